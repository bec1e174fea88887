// SPDX-License-Identifier: MIT

//! The fake server behind r2d2, as backend.c is for the pools in C.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

pub static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
pub static SEEN: AtomicU32 = AtomicU32::new(0);
pub static PEAK: AtomicU32 = AtomicU32::new(0);
pub static FAIL_NEXT: AtomicU32 = AtomicU32::new(0);
pub static LAG_MS: AtomicU64 = AtomicU64::new(0);
pub static DOWN: AtomicBool = AtomicBool::new(false);

/// What is pooled. Its owner is written by whoever has it; no two share a cache line.
#[repr(align(128))]
pub struct Resource {
    pub owner: AtomicU32,
    pub password: u32,
    pub broken: bool,
}

impl Drop for Resource {
    fn drop(&mut self) {
        SEEN.fetch_sub(1, SeqCst);
    }
}

#[derive(Debug)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

/// Logs in with one password.
pub struct Manager {
    pub password: u32,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Box<Resource>;
    type Error = Refused;

    fn connect(&self) -> Result<Box<Resource>, Refused> {
        ATTEMPTS.fetch_add(1, SeqCst);
        PEAK.fetch_max(SEEN.fetch_add(1, SeqCst) + 1, SeqCst);
        let resource =
            Box::new(Resource { owner: AtomicU32::new(0), password: self.password, broken: false });
        std::thread::sleep(Duration::from_millis(LAG_MS.load(SeqCst)));
        let fails = FAIL_NEXT.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if fails || DOWN.load(SeqCst) {
            return Err(Refused);
        }
        Ok(resource)
    }

    fn is_valid(&self, _: &mut Box<Resource>) -> Result<(), Refused> {
        Ok(())
    }

    fn has_broken(&self, resource: &mut Box<Resource>) -> bool {
        resource.broken
    }
}
