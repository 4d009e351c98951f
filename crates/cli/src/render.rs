//! What is drawn or written for people and spreadsheets: results in, text, tables and pictures out.

pub(crate) mod bars;
pub(crate) mod export;
pub(crate) mod numbers;
pub(crate) mod plot;
mod table;
mod text;
mod wrap;
