//! Stories over whole programs live in `tests/`.
