//! The program from outside: arguments in, stdout, stderr and exit codes out.

mod common;
mod server;

mod bench;
mod bounds;
mod chain;
mod commands;
mod compare;
mod doors;
mod grind;
mod hammer;
mod hashtopolis;
mod help;
mod merge;
mod mine;
mod results;
mod roll;
mod serve;
mod untrue;
mod work;
