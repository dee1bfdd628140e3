//! Many seeds, on one machine or on many: threads, progress, shares, sums, and the proof that a seed repeats itself. It judges
//! no run, and knows of worlds only that they run seeds.

mod determinism;
mod interrupt;
mod keep;
mod line;
mod merge;
mod progress;
mod seeds;
mod spread;
mod stamp;
mod summary;
mod work;
mod world;

pub use determinism::{Difference, Pair};
pub use interrupt::{INTERRUPTED, Interrupt};
pub use keep::Kept;
pub use line::{FORM, Failed, Head, Line, Sum, Times, Why};
pub use merge::{Merged, Part, merge, read};
pub use progress::Progress;
pub use seeds::{Seeds, Shard};
pub use spread::Spread;
pub use stamp::{Stamp, stamp};
pub use summary::summary;
pub use work::{Done, Order, Watch, run};
pub use world::{Counts, Run, World, least_plan, run_one, steps};
