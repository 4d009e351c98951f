//! Addresses that are being dialled.
//!
//! *In:* an address of the core's. *Out:* dials, one number after the other if a name has several; and to which address of the
//! core's a connection, or a failure, belongs.
//!
//! Names are looked up only if they were given to this node by hand: what strangers say is not asked of anybody's servers.

use std::{collections::HashMap, io};

use libp2p::{
    Multiaddr, PeerId,
    swarm::{
        ConnectionId,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use crate::core::Address;

/// A dial that is going on.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) address: Address,
    pub(super) expected: Option<PeerId>,
    /// What is tried after it.
    pub(super) rest: Vec<Multiaddr>,
}

/// A name that was looked up.
#[derive(Debug)]
pub(super) struct LookedUp {
    pub(super) address: Address,
    pub(super) expected: Option<PeerId>,
    pub(super) places: io::Result<Vec<Multiaddr>>,
}

/// All that are going on; the core bounds how many.
#[derive(Debug, Default)]
pub(super) struct Dials(HashMap<ConnectionId, Dial>);

impl Dials {
    /// What libp2p is to dial next for this; `None` when nothing is left.
    pub(super) fn next(&mut self, mut dial: Dial) -> Result<DialOpts, Address> {
        if dial.rest.is_empty() {
            return Err(dial.address);
        }
        let place = dial.rest.remove(0);
        let options = match dial.expected {
            Some(id) => DialOpts::peer_id(id)
                .addresses(vec![place])
                .condition(PeerCondition::Always)
                .build(),
            None => DialOpts::unknown_peer_id().address(place).build(),
        };
        self.0.insert(options.connection_id(), dial);
        Ok(options)
    }

    /// A connection was made, or failed.
    pub(super) fn ended(&mut self, connection: ConnectionId) -> Option<Dial> {
        self.0.remove(&connection)
    }
}
