//! Mining for a Bitcoin node: `getblocktemplate` (BIP 22, 23, 145) in, `submitblock` out.
//!
//! ```text
//! node ── getblocktemplate ──► template ──► assembler ──► jobs ──► drive
//!   ▲                          (checked)    (coinbase, branch)       │
//!   └───────── submitblock ◄── block with all its transactions ◄─────┘ a header that meets the target
//! ```

mod assembler;
mod coinbase;
mod source;
mod template;

pub use assembler::{AssembleError, Assembler};
pub use source::{Failure, Found, Plan, Refusal, SoloSource, Summary, Tell, Told};
pub use template::{Network, Template, TemplateError};
