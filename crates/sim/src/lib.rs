//! A simulated country: real engines, stores, session machines, verification and wire formats on
//! virtual clocks, disks and networks, all from one seed.
//!
//! [`node`] is the machine with the real parts in it; [`world`] lets a [`plan`] happen to some of
//! them; [`model`] says what must hold; [`shrink`] makes a failing plan small. `docs/simulation.md`
//! tells what is real, what is simulated, and what is left out. [`packet`] is the same country packet by
//! packet, over real QUIC.

pub mod dice;
pub mod land;
pub mod model;
pub mod node;
pub mod packet;
pub mod plan;
pub mod plant;
pub mod shrink;
pub mod world;
