# Shortcuts; `just` lists them. Everything here also works without just, see CONTRIBUTING.md.

# List the recipes.
default:
    @just --list --unsorted

# Serve the demo on port 3001.
demo *FLAGS:
    cargo run --release -- serve --demo {{ FLAGS }}

# Serve the sandbox on port 3001.
sandbox *FLAGS:
    cargo run --release -- serve --sandbox {{ FLAGS }}

# Run tests, all or those whose name contains FILTER.
test *FILTER:
    cargo test --locked {{ FILTER }}

# Format, and run the lints.
lint:
    cargo fmt --all
    cargo clippy --locked --all-targets -- -D warnings

# Regenerate fixtures/openapi.json, and show the difference.
openapi:
    UPDATE_OPENAPI=1 cargo test --locked --test it openapi
    git diff --stat fixtures/openapi.json

# Open the documentation of the code.
doc:
    cargo doc --locked --no-deps --document-private-items --open

# Run a benchmark: http, list or sandbox.
bench NAME="http" *ARGUMENTS:
    cargo bench --locked --bench {{ NAME }} -- {{ ARGUMENTS }}

# Kill a backup and a restore a thousand times each. Takes minutes.
kills:
    cargo test --locked --test it cli::backup::kills:: -- --ignored --nocapture

# Run all checks of CI, or some of its steps.
ci *STEPS:
    .ci/run {{ STEPS }}
