//! The room process: meetings, web server, notice, screen, command line. It has no capture node and no GStreamer.

pub mod background;
pub mod boards;
pub mod certificates;
pub mod command;
pub mod configuration;
pub mod doctor;
pub mod island;
pub mod join;
pub mod language;
pub mod meeting;
pub mod notice;
pub mod opinion;
pub mod outbound;
pub mod remote;
pub mod screen;
pub mod servers;
pub mod shell;
pub mod signalling;
pub mod status;
pub mod supervise;
pub mod web;
pub mod wipe;
