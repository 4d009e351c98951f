//! What libp2p tells, as the core's events.

use std::{
    io,
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr, PeerId,
    core::ConnectedPoint,
    gossipsub, identify, mdns, ping, request_response,
    request_response::{InboundFailure, OutboundFailure},
    swarm::{ConnectionId, DialError, SwarmEvent},
};

use super::{FAREWELL, Question, Task};
use crate::{
    core::{Address, Direction, Event, GossipId, Peer, RequestId},
    driver::{
        News,
        address::{NodeAddress, ip, origin},
        behaviour::{BehaviourEvent, Names},
        codec::Versioned,
        lines::Standing,
    },
    message::{Request, Response, decode_transfers},
};

/// What request-response tells.
type SyncEvent = request_response::Event<Versioned<Request>, Versioned<Response>>;

impl Task {
    pub(super) fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.connected(peer_id, connection_id, &endpoint),
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => self.lost(&peer_id),
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => self.not_reached(connection_id, &error),
            SwarmEvent::NewListenAddr { address, .. } => self.listens(&address),
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                let gone = self.with_name(&address);
                self.listening.retain(|kept| *kept != gone);
                self.tell(Event::Listening(self.listening.clone()));
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a peer could not connect"),
            SwarmEvent::ListenerClosed {
                reason: Err(error), ..
            } => tracing::error!(%error, "peers cannot connect any more"),
            _ => {}
        }
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(event) => self.identified(event),
            BehaviourEvent::Sync(event) => self.sync_event(event),
            BehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => self.gossip_came(propagation_source, message_id, &message.data),
            BehaviourEvent::Ping(ping::Event {
                peer,
                result,
                connection,
            }) => match result {
                Ok(latency) => self.answered_after(&peer, latency),
                Err(ping::Failure::Timeout) => {
                    let _ = self.swarm.close_connection(connection); // nobody is at its other end
                }
                Err(_) => {}
            },
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                let own = *self.swarm.local_peer_id();
                let found = found.into_iter().filter(|(id, _)| *id != own);
                let addresses = found.filter_map(|(_, address)| NodeAddress::try_from(&address).ok());
                let addresses = addresses.map(|address| address.to_address()).collect();
                self.tell(Event::Discovered(addresses));
            }
            _ => {}
        }
    }

    fn answered_after(&mut self, id: &PeerId, latency: Duration) {
        if let Some(peer) = self.lines.peer(id) {
            self.tell(Event::Latency(peer, latency));
        } else if let Some(line) = self.lines.get_mut(id) {
            line.latency = Some(latency);
        }
    }

    fn connected(&mut self, id: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let remote = endpoint.get_remote_address();
        let direction = match endpoint {
            ConnectedPoint::Dialer { .. } => Direction::Outbound,
            ConnectedPoint::Listener { .. } => Direction::Inbound,
        };
        let dialled = self.dials.ended(connection).map(|dial| dial.address);
        let address = match &dialled {
            Some(address) => Address::clone(address),
            None => remote.to_string().into(),
        };
        let origin = ip(remote).and_then(origin);
        if direction == Direction::Inbound
            && self.lines.get_mut(&id).is_none()
            && self.lines.is_crowded(origin)
        {
            let _ = self.swarm.close_connection(connection); // it may have gone by itself
            return;
        }
        let line = self.lines.connected(id, address, origin, direction);
        let Some(address) = dialled else {
            return;
        };
        self.silent.remove(&address);
        match line.standing {
            Standing::Told(peer) => self.tell(Event::Dialled { address, peer }),
            Standing::Unknown { .. } => line.dialled.push(address),
            Standing::Leaving => self.tell(Event::DialFailed {
                address,
                is_self: false,
            }),
        }
    }

    /// All of a node's connections are gone.
    fn lost(&mut self, id: &PeerId) {
        let Some(line) = self.lines.lost(id) else {
            return;
        };
        for address in line.dialled {
            let is_self = false;
            self.tell(Event::DialFailed { address, is_self });
        }
        if let Standing::Told(peer) = line.standing {
            self.tell(Event::Disconnected(peer));
        }
    }

    fn not_reached(&mut self, connection: ConnectionId, error: &DialError) {
        let Some(dial) = self.dials.ended(connection) else {
            return;
        };
        tracing::debug!(address = %dial.address, %error, "nobody answers");
        match error {
            DialError::LocalPeerId { .. } => self.tell(Event::DialFailed {
                address: dial.address,
                is_self: true,
            }),
            DialError::WrongPeerId { obtained, .. } => {
                if self.lines.name(*obtained) {
                    tracing::warn!(address = %dial.address, found = %obtained, "another node answers than was named");
                }
                self.try_next(dial);
            }
            _ => self.try_next(dial),
        }
    }

    fn listens(&mut self, address: &Multiaddr) {
        let address = self.with_name(address);
        if self.listening.contains(&address) {
            return;
        }
        self.listening.push(Address::clone(&address));
        self.news(News::Listening(address));
        self.tell(Event::Listening(self.listening.clone()));
    }

    fn with_name(&self, address: &Multiaddr) -> Address {
        format!("{address}/p2p/{}", self.swarm.local_peer_id()).into()
    }

    /// A node has said which chain it has, or that it does not know.
    fn identified(&mut self, event: identify::Event) {
        match event {
            identify::Event::Received { peer_id, info, .. } => {
                self.has_chain(peer_id, &info.protocol_version)
            }
            identify::Event::Error { peer_id, error, .. } => {
                tracing::debug!(peer = %peer_id, %error, "it does not say which chain it has");
            }
            _ => {}
        }
    }

    fn has_chain(&mut self, id: PeerId, chain: &str) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        if !matches!(line.standing, Standing::Unknown { .. }) {
            return;
        }
        if chain != self.names.chain {
            line.standing = Standing::Leaving;
            // Not at once: it should hear as well which chain this one is.
            line.hang_up_at = Some(Instant::now() + FAREWELL);
            let address = Address::clone(&line.address);
            for address in std::mem::take(&mut line.dialled) {
                let is_self = false;
                self.tell(Event::DialFailed { address, is_self });
            }
            match Names::genesis(chain) {
                Some(genesis) if self.lines.name(id) => self.news(News::OtherGenesis { address, genesis }),
                Some(_) => {}
                None => tracing::debug!(peer = %id, "it is no node of this kind"),
            }
            return;
        }
        let (address, origin, direction) = (Address::clone(&line.address), line.origin, line.direction);
        let (dialled, latency) = (std::mem::take(&mut line.dialled), line.latency);
        let peer = self.lines.tell(&id).expect("it was there just now");
        self.tell(Event::Connected {
            peer,
            identity: id.to_string().into(),
            address,
            origin,
            direction,
        });
        for address in dialled {
            self.tell(Event::Dialled { address, peer });
        }
        if let Some(latency) = latency {
            self.tell(Event::Latency(peer, latency));
        }
    }

    fn sync_event(&mut self, event: SyncEvent) {
        match event {
            request_response::Event::Message {
                peer,
                message:
                    request_response::Message::Request {
                        request_id,
                        request,
                        channel,
                    },
                ..
            } => {
                // Whoever asks by this chain's name has this chain, whether identify has said so yet or not.
                let chain = self.names.chain.clone();
                self.has_chain(peer, &chain);
                let Some(number) = self.lines.peer(&peer) else {
                    return; // it is hung up on: no answer is an answer
                };
                self.last_question += 1;
                let id = RequestId(self.last_question);
                let question = Question {
                    peer,
                    of: number,
                    id: request_id,
                    channel,
                };
                self.questions.insert(id, question);
                self.numbers.insert(request_id, id);
                self.tell(Event::Asked {
                    peer: number,
                    id,
                    request: request.message,
                });
            }
            request_response::Event::Message {
                peer,
                message: request_response::Message::Response { request_id, response },
                ..
            } => {
                let asked = self.asked.remove(&request_id);
                self.farewell_heard(&peer, request_id);
                if let (Some((peer, id)), true) = (asked, self.lines.peer(&peer).is_some()) {
                    let response = response.message;
                    self.tell(Event::Answered { peer, id, response });
                }
            }
            request_response::Event::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                let asked = self.asked.remove(&request_id);
                self.farewell_heard(&peer, request_id);
                if let Some((peer, id)) = asked {
                    if let OutboundFailure::Io(error) = &error {
                        self.malformed(peer, error);
                    }
                    self.tell(Event::Unanswered { peer, id });
                }
            }
            request_response::Event::InboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                self.was_sent(&peer, request_id);
                if let (InboundFailure::Io(error), Some(peer)) = (&error, self.lines.peer(&peer)) {
                    self.malformed(peer, error);
                }
            }
            request_response::Event::ResponseSent { peer, request_id, .. } => {
                self.was_sent(&peer, request_id)
            }
        }
    }

    fn farewell_heard(&mut self, id: &PeerId, request: request_response::OutboundRequestId) {
        if let Some(line) = self.lines.get_mut(id)
            && line.farewell == Some(request)
        {
            line.farewell = None;
            self.may_hang_up(id);
        }
    }

    /// What the codec refused: everything else is the line's fault.
    fn malformed(&mut self, peer: Peer, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            let reason = error.to_string();
            self.tell(Event::Malformed { peer, reason });
        }
    }

    fn gossip_came(&mut self, from: PeerId, message: gossipsub::MessageId, bytes: &[u8]) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        let Some(peer) = self.lines.peer(&from) else {
            let ignore = gossipsub::MessageAcceptance::Ignore;
            gossip.report_message_validation_result(&message, &from, ignore);
            return;
        };
        match decode_transfers(bytes) {
            Ok((_, transfers)) => {
                self.last_gossip += 1;
                let id = GossipId(self.last_gossip);
                self.gossip.insert(id, (message, from));
                self.tell(Event::Gossip { id, peer, transfers });
            }
            Err(error) => {
                let reject = gossipsub::MessageAcceptance::Reject;
                gossip.report_message_validation_result(&message, &from, reject);
                let reason = error.to_string();
                self.tell(Event::Malformed { peer, reason });
            }
        }
    }
}
