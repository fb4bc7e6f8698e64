//! Frames as they appear: which files are new and whole, rewritten, renamed or gone. And a page that shows what came of them,
//! on this machine only.

mod page;
mod poller;
mod server;
mod sight;

pub use page::{LiveState, PageServer};
pub use poller::{Event, Poller, PollerSettings};
pub use server::PageError;
pub use sight::{Completeness, Sight};
