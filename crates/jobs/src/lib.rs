//! The one mining loop over changing work.
//!
//! *In:* a [`JobSource`]: a ledger, a Bitcoin node, a pool, whatever has headers to be mined. *Out:* [`Share`]s, each to
//! the source as soon as it is found. *The idea:* [`drive`] knows no source, and a source knows nothing of threads.
//!
//! ```text
//!          ┌─────────── job(used_up) ◄── one asks for the next: the last was solved, replaced, or used up
//! source ──┤                                                                     │
//!    ▲     └─► Job: headers by extra nonce, version mask, time slack ──► drive ──┴──► miner: one search a header
//!    └───────────────────── submit(job, share) ◄──────────────────────────────────── each solution, as it is found
//! ```
//!
//! Within a job no header is hashed twice and none is left out: nonces and versions first, then extra nonces, then
//! times. A job whose handle is pulled is left within about a millisecond, as a search is.
//!
//! # A source of jobs
//! This is all it takes. A source which hears of its jobs from elsewhere, a connection say, keeps a [`JobSlot`].
//! ```
//! use std::sync::{Arc, Mutex};
//! use paydirt::{Cancel, Header, Miner, Target};
//! use paydirt_jobs::{Job, JobSource, Share, drive};
//!
//! /// A chain of headers, each with the version of the one before it and one more.
//! struct Counting(Mutex<Vec<Header>>);
//!
//! impl JobSource for Counting {
//!     type Origin = ();
//!
//!     fn job(&self, _used_up: Option<u64>, _cancel: &Cancel) -> Option<Arc<Job<()>>> {
//!         let mined = self.0.lock().unwrap().len();
//!         let mut header = [0; 80];
//!         header[0] = mined as u8;
//!         let target = Target::from_leading_zero_bits(16.0).unwrap();
//!         let job = Job::new(mined as u64, (), target, 0..1, move |_| Header::from_bytes(header));
//!         (mined < 3).then(|| Arc::new(job))
//!     }
//!
//!     fn submit(&self, job: &Job<()>, share: &Share) -> Result<(), String> {
//!         let mut mined = self.0.lock().unwrap();
//!         if mined.len() as u64 != job.id {
//!             return Err("solved already".to_owned());
//!         }
//!         mined.push(share.header);
//!         Ok(())
//!     }
//! }
//!
//! let source = Counting(Mutex::default());
//! let effort = drive(&Miner::new(), &source, &Cancel::new(), &|_| {});
//! let mined = source.0.into_inner().unwrap();
//! assert_eq!(mined.iter().map(Header::version).collect::<Vec<_>>(), [0, 1, 2]);
//! assert!(effort.hashes > 0);
//! ```

mod drive;
mod job;
mod slot;

use std::sync::Arc;

pub use drive::{Effort, End, Event, Fate, drive};
pub use job::{Job, Share};
use paydirt::Cancel;
pub use slot::JobSlot;

/// Where jobs come from and shares go.
pub trait JobSource: Sync {
    /// What the source must know of a job when a share comes back: a block template, a pool's name for it.
    type Origin: Send + Sync;

    /// The job to mine now, on the thread that drives. It may wait for one, but not when `cancel` is pulled. Given the
    /// last job once more, unless `used_up` names it, mining goes on where it was left.
    ///
    /// `None` ends the drive; so does `used_up` itself. After `cancel` it is asked a last time, and may finish what it
    /// has begun.
    fn job(&self, used_up: Option<u64>, cancel: &Cancel) -> Option<Arc<Job<Self::Origin>>>;

    /// Takes a share of a job that is not stale. It runs on a mining thread, one call at a time, and other threads that
    /// have found one wait: what takes long belongs in [`JobSource::job`] or on a thread of the source's own.
    ///
    /// # Errors
    /// Why it is refused; mining goes on.
    fn submit(&self, job: &Job<Self::Origin>, share: &Share) -> Result<(), String>;
}

#[cfg(test)]
mod tests;
