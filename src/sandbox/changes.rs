//! What a visitor's copy of the world differs in, block by block: all that is kept of it between two requests.
//!
//! A copy is a megabyte and differs in a few kilobytes. Pure: bytes in, bytes out; that they are a database is known
//! elsewhere.

/// The unit of comparison, in bytes. Smaller than a page of the database, of which a change touches some parts only.
const BLOCK: usize = 512;

/// The difference between two images. The default is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The blocks that differ, by number, in order.
    blocks: Vec<(usize, Box<[u8]>)>,
    /// How much longer the changed image is.
    growth: usize,
}

impl Changes {
    /// What makes `changed`, which is not shorter, of `original`.
    pub(super) fn between(original: &[u8], changed: &[u8]) -> Self {
        let mut before = original.chunks(BLOCK);
        let after = changed.chunks(BLOCK).enumerate();
        let differs = |(_, block): &(usize, &[u8])| before.next() != Some(block);
        Self {
            blocks: after
                .filter(differs)
                .map(|(number, block)| (number, block.into()))
                .collect(),
            growth: changed.len().saturating_sub(original.len()),
        }
    }

    /// The changed image.
    pub(super) fn apply(&self, original: &[u8]) -> Vec<u8> {
        let mut image = Vec::with_capacity(original.len() + self.growth);
        image.extend_from_slice(original);
        image.resize(original.len() + self.growth, 0);
        for (number, block) in &self.blocks {
            let start = number * BLOCK;
            image[start..start + block.len()].copy_from_slice(block);
        }
        image
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.len() * (BLOCK + size_of::<(usize, Box<[u8]>)>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn what_differs_makes_the_one_of_the_other(
            original in vec(0..3u8, 0..4 * BLOCK),
            edits in vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
            grown in vec(any::<u8>(), 0..2 * BLOCK),
        ) {
            let mut changed = original.clone();
            changed.extend(grown);
            for (index, byte) in edits {
                if !changed.is_empty() {
                    let at = index.index(changed.len());
                    changed[at] = byte;
                }
            }
            let changes = Changes::between(&original, &changed);
            prop_assert_eq!(changes.apply(&original), changed.clone());
            prop_assert_eq!(changes == Changes::default(), original == changed);
        }
    }

    #[test]
    fn one_byte_is_one_block() {
        let original = vec![0; 100 * BLOCK];
        let mut changed = original.clone();
        changed[77] = 1;
        assert!(Changes::between(&original, &changed).bytes() < 2 * BLOCK);
    }
}
