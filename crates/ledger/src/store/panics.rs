//! redb may panic on pages that are not what it wrote. Here that becomes an error, and stderr stays quiet.

use std::{
    any::Any,
    cell::Cell,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::{Arc, Once},
};

use crate::{health::Health, outcome::StoreFailed, store::StoreError};

thread_local! {
    /// Whether a panic of this thread is expected and becomes an error.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Reads or writes, and takes a panic for what it is: the database is not what was written. Nothing that `access` had in
/// hand is used again.
pub(crate) fn caught<T>(access: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                usual(panic);
            }
        }));
    });
    let before = EXPECTED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(access));
    EXPECTED.set(before);
    done.unwrap_or_else(|panic| {
        let reason = format!("the database cannot be read ({})", message(&*panic));
        Err(StoreError::Damaged(reason))
    })
}

/// A database that is closed when this is dropped. Closing one reads and writes pages too: one that was found damaged is
/// not closed but left, with its file locked, until the process ends.
#[derive(Debug)]
pub(super) struct Closing(Option<redb::Database>, Arc<Health>);

impl Closing {
    pub(super) fn new(database: redb::Database, health: &Arc<Health>) -> Self {
        Self(Some(database), Arc::clone(health))
    }
}

impl Deref for Closing {
    type Target = redb::Database;

    fn deref(&self) -> &redb::Database {
        self.0.as_ref().expect(UNTIL_DROPPED)
    }
}

impl DerefMut for Closing {
    fn deref_mut(&mut self) -> &mut redb::Database {
        self.0.as_mut().expect(UNTIL_DROPPED)
    }
}

const UNTIL_DROPPED: &str = "it is there until this is dropped";

impl Drop for Closing {
    fn drop(&mut self) {
        let database = self.0.take();
        if self.1.failure().is_some_and(StoreFailed::is_damage) {
            std::mem::forget(database);
            return;
        }
        let _ = caught(|| {
            drop(database);
            Ok(())
        }); // everything acknowledged was synced before; the next opening checks all of it
    }
}

/// What a panic says, in one line.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let line = text.unwrap_or_default().lines().next().unwrap_or_default();
    line.chars().take(120).collect()
}
