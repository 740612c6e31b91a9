//! Stands in for the real crate, a third of the build: volo-build names it, and uses it only where it creates projects.
use std::path::Path;

pub struct Repository;

#[derive(Debug)]
pub struct Error;

impl std::fmt::Display for Error {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str("no git here")
    }
}

impl std::error::Error for Error {}

impl Repository {
    pub fn discover(_: &Path) -> Result<Self, Error> {
        Err(Error)
    }

    pub fn init(_: &Path) -> Result<Self, Error> {
        Err(Error)
    }

    pub fn workdir(&self) -> Option<&Path> {
        None
    }

    pub fn is_path_ignored(&self, _: &Path) -> Result<bool, Error> {
        Err(Error)
    }
}
