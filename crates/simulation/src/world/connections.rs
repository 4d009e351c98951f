//! Who is connected with whom, and when what is sent arrives.

use super::*;

impl World {
    pub(super) fn dial(&mut self, node: usize, address: Address) {
        let to: usize = address[1..].parse().expect("addresses are numbers here");
        if to == node {
            let is_self = true;
            self.at_once
                .push_back((node, Event::DialFailed { address, is_self }));
            return;
        }
        let delay = self.delay(node, to);
        match self.can_reach(node, to) {
            true => self.later(
                2 * delay,
                What::Connect {
                    from: node,
                    to,
                    address,
                },
            ),
            false => {
                let event = Event::DialFailed {
                    address,
                    is_self: false,
                };
                self.later(DIAL_FAILS_US, What::Deliver { node, event });
            }
        }
    }

    pub(super) fn can_reach(&self, from: usize, to: usize) -> bool {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        to.core.is_some() && !(self.is_cut && from.side != to.side)
    }

    pub(super) fn connect(&mut self, from: usize, to: usize, address: Address) {
        if self.nodes[from].core.is_none() {
            return;
        }
        if !self.can_reach(from, to) {
            let is_self = false;
            self.handle(from, Event::DialFailed { address, is_self });
            return;
        }
        if let Some((peer, _)) = self.nodes[from].links.iter().find(|(_, link)| link.node == to) {
            let peer = *peer;
            self.handle(from, Event::Dialled { address, peer });
            return;
        }
        let (here, there) = (Peer(self.next_peer), Peer(self.next_peer + 1));
        self.next_peer += 2;
        self.nodes[from].links.insert(
            here,
            Link {
                node: to,
                peer: there,
                arrives_us: 0,
            },
        );
        self.nodes[to].links.insert(
            there,
            Link {
                node: from,
                peer: here,
                arrives_us: 0,
            },
        );
        let connected = |peer, other: usize, address, direction| Event::Connected {
            peer,
            identity: format!("identity-{other}").into(),
            address,
            origin: Some(Origin(other as u128)),
            direction,
        };
        let inbound = connected(there, from, address_of(from), Direction::Inbound);
        self.handle(to, inbound);
        let outbound = connected(here, to, Address::clone(&address), Direction::Outbound);
        self.handle(from, outbound);
        self.handle(from, Event::Dialled { address, peer: here });
    }

    /// Ends a connection: at once here, a moment later there.
    pub(super) fn unlink(&mut self, node: usize, peer: Peer) {
        let Some(link) = self.nodes[node].links.remove(&peer) else {
            return;
        };
        self.at_once.push_back((node, Event::Disconnected(peer)));
        let wait = self
            .delay(node, link.node)
            .max(link.arrives_us.saturating_sub(self.now_us));
        let (other, peer) = (link.node, link.peer);
        let event = Event::Disconnected(peer);
        self.later(wait, What::Deliver { node: other, event });
    }

    pub(super) fn delay(&mut self, from: usize, to: usize) -> u64 {
        let (from, to) = (self.nodes[from].place, self.nodes[to].place);
        self.setup.links.delay_us(from, to, &mut self.random)
    }

    pub(super) fn send(&mut self, node: usize, peer: Peer, bytes: u64, event: impl FnOnce(Peer) -> Event) {
        let Some(link) = self.nodes[node].links.get(&peer).copied() else {
            return;
        };
        let (from, to) = (self.nodes[node].place, self.nodes[link.node].place);
        let begins = self.nodes[node].upstream_free_us.max(self.now_us);
        let gone = begins + self.setup.links.sending_us(from, to, bytes);
        self.nodes[node].upstream_free_us = gone;
        self.report.bytes += bytes;
        self.report.messages += 1;
        let wait = gone - self.now_us + self.delay(node, link.node);
        let event = event(link.peer);
        self.later(
            wait,
            What::Deliver {
                node: link.node,
                event,
            },
        );
    }

    pub(super) fn answer(&mut self, node: usize, peer: Peer, id: RequestId, response: Response) {
        if matches!(response, Response::Heard) {
            // An acknowledgement changes nothing but what may be sent next: it takes no time here.
            if let Some(link) = self.nodes[node].links.get(&peer).copied() {
                let (other, peer) = (link.node, link.peer);
                self.at_once
                    .push_back((other, Event::Answered { peer, id, response }));
            }
            return;
        }
        let response = match self.nodes[node].hostility {
            Some(hostility) => hostility.response(response),
            None => Some(response),
        };
        if let Some(response) = response {
            let bytes = self.bytes_of_response(&response);
            self.send(node, peer, bytes, |peer| Event::Answered { peer, id, response });
        }
    }

    pub(super) fn bytes_of_response(&self, response: &Response) -> u64 {
        match response {
            Response::Headers { headers, .. } => 80 + 80 * headers.len() as u64,
            Response::Blocks(blocks) => 100 + self.setup.block_bytes * blocks.len() as u64,
            Response::Compact(_) => 200 + self.setup.block_bytes * 6 / 100,
            Response::Peers(addresses) => 10 + 40 * addresses.len() as u64,
            _ => 200,
        }
    }
}
