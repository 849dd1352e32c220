//! Cases worked out by hand, an attacker who knows nothing of the method, and an audit of what is told to everybody.

mod attack;
mod audit;
mod cases;
mod sample;
