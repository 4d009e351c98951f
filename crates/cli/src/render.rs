//! What is drawn or written for people and spreadsheets.

pub(crate) mod export;
