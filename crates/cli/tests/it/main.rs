//! The program from outside: arguments in, stdout, stderr and exit codes out.

mod common;
mod scripted_pool;
mod server;

mod bench;
mod bounds;
mod chain;
#[cfg(unix)]
mod closed;
mod commands;
mod compare;
mod doors;
mod grind;
mod hammer;
mod hashtopolis;
mod help;
mod merge;
mod mine;
mod network;
mod pool;
mod results;
mod resume;
mod roll;
mod serve;
mod solo;
mod streams;
mod terminal;
mod untrue;
mod work;
