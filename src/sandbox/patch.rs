//! Block-wise differences between two database images.
//!
//! The sandbox keeps one patch per session between two requests: an image is a megabyte, a patch a few kilobytes. Pure
//! functions on bytes. SQLite's session extension would serve the same purpose, but rusqlite's feature for it runs
//! bindgen, which needs libclang to build.

/// The unit of comparison, in bytes. Smaller than a database page, because most changes touch small parts of a page.
const BLOCK: usize = 512;

/// The difference between two images. The default is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Patch {
    /// The blocks that differ, by number, in ascending order.
    blocks: Vec<(usize, Box<[u8]>)>,
    /// The number of bytes by which the changed image is longer.
    growth: usize,
}

impl Patch {
    /// Computes the patch that turns `original` into `changed`, which must not be shorter.
    pub(super) fn diff(original: &[u8], changed: &[u8]) -> Self {
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

    /// Returns the changed image.
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

    /// Returns the approximate memory use in bytes.
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
        fn patch_turns_the_original_into_the_changed_image(
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
            let patch = Patch::diff(&original, &changed);
            prop_assert_eq!(patch.apply(&original), changed.clone());
            prop_assert_eq!(patch == Patch::default(), original == changed);
        }
    }

    #[test]
    fn patch_of_one_byte_is_one_block() {
        let original = vec![0; 100 * BLOCK];
        let mut changed = original.clone();
        changed[77] = 1;
        assert!(Patch::diff(&original, &changed).bytes() < 2 * BLOCK);
    }
}
