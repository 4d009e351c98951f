//! What the node says of its peers, whoever takes part in the network for it.

use std::sync::Mutex;

use super::*;
use paydirt_ledger::Work;
use paydirt_node::{Answer, Direction, Pace, Peer, Peers, PeersState, Progress, keep_mining};

/// A network that stands as it is told to.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<PeersState>>);

impl Told {
    fn set(&self, progress: Progress) {
        self.0.lock().unwrap().progress = progress;
    }
}

impl Peers for Told {
    fn state(&self) -> Answer<'_, Option<PeersState>> {
        Box::pin(async { Some(self.0.lock().unwrap().clone()) })
    }

    fn register(&self, nodes: Vec<String>) -> Answer<'_, Result<Vec<String>, String>> {
        Box::pin(async move {
            match nodes.iter().find(|node| !node.contains(':')) {
                Some(wrong) => Err(format!("Invalid values: {wrong} is no address")),
                None => Ok(nodes),
            }
        })
    }
}

fn among(told: &Told) -> Test {
    let ledger = Ledger::in_memory(&ChainParameters::fixed(4.0).unwrap()).unwrap();
    let miner = Miner::with_threads(1, Kernel::auto()).unwrap();
    let node = Node::with_peers(Arc::new(ledger), miner, Limits::default(), Box::new(told.clone()));
    let app = app(Arc::clone(&node), &Cors::default());
    Test { node, app }
}

#[tokio::test]
async fn peers_are_listed() {
    let nobody = Test::new(&ChainParameters::fixed(4.0).unwrap());
    let (_, alone) = nobody.get("/peers").await;
    assert_eq!(alone, json!({"id": null, "listen": [], "peers": []}));
    assert_eq!(nobody.get("/status").await.1["sync"]["state"], "alone");
    let (status, _) = nobody
        .post("/nodes/register", json!({"nodes": ["127.0.0.1:5333"]}))
        .await;
    assert_eq!(status, 400);

    let told = Told::default();
    let mut work = [0; 32];
    work[1] = 2;
    *told.0.lock().unwrap() = PeersState {
        id: Some("self".to_owned()),
        listen: vec!["/ip4/127.0.0.1/tcp/5333/p2p/self".to_owned()],
        peers: vec![Peer {
            id: "other".to_owned(),
            address: "/ip4/127.0.0.1/tcp/5334".to_owned(),
            direction: Direction::Outbound,
            height: 7,
            work: Work::from_le_bytes(&work),
            latency: None,
            since_s: 1_700_000_000,
            score: 3,
        }],
        progress: Progress::Syncing,
        best: Some((7, Work::from_le_bytes(&work))),
    };
    let test = among(&told);
    let (_, answer) = test.get("/peers").await;
    let peer = &answer["peers"][0];
    assert_eq!((&peer["height"], &peer["latency_ms"]), (&json!(7), &json!(null)));
    assert_eq!(peer["work"], format!("{:064x}", 512));
    let (_, status) = test.get("/status").await;
    assert_eq!((&status["peers"], &status["length"]), (&json!(1), &json!(1)));
    assert_eq!(
        status["sync"],
        json!({"state": "syncing", "best_height": 7, "best_work_bits": 9.0})
    );
    test.node.tell_of_peer("other", "/ip4/127.0.0.1/tcp/5334", None);
    test.node
        .tell_of_peer("other", "/ip4/127.0.0.1/tcp/5334", Some("it stops"));
    let metrics = test
        .raw(Request::get("/metrics").body(Body::empty()).unwrap())
        .await;
    let text = metrics.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        r#"paydirt_peers{direction="outbound"} 1"#,
        r#"paydirt_peers{direction="inbound"} 0"#,
        r#"paydirt_peers_total{event="left"} 1"#,
        "paydirt_syncing 1",
        "paydirt_best_height 7",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}: {text}");
    }
}

#[tokio::test]
async fn nodes_are_registered() {
    let test = among(&Told::default());
    let nodes = json!({"nodes": ["127.0.0.1:5333", "http://node.example:5334/"]});
    let (status, answer) = test.post("/nodes/register", nodes).await;
    assert_eq!(status, 201);
    assert_eq!(
        answer["total_nodes"],
        json!(["127.0.0.1:5333", "node.example:5334"])
    );
    let many: Vec<_> = (0..65).map(|port| format!("127.0.0.1:{port}")).collect();
    for nodes in [
        json!(null),
        json!("a:1"),
        json!([]),
        json!([1]),
        json!(["a:1", "b"]),
        json!(many),
    ] {
        let (status, answer) = test.post("/nodes/register", json!({"nodes": nodes})).await;
        assert_eq!(status, 400, "{answer}");
    }
}

#[tokio::test]
async fn resolving_waits_until_it_has_caught_up() {
    let told = Told::default();
    let test = Arc::new(among(&told));
    let (_, answer) = test.get("/nodes/resolve").await;
    assert_eq!(answer["message"], "Our chain is authoritative");
    assert_eq!(
        (&answer["length"], answer["chain"].as_array().unwrap().len()),
        (&json!(1), 1)
    );

    told.set(Progress::Syncing);
    let waiting = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/nodes/resolve").await })
    };
    // Whether it waits already or not, it began before the block: it is asked from the same thread.
    tokio::task::yield_now().await;
    test.get("/mine").await;
    told.set(Progress::Synced);
    let (_, answer) = waiting.await.unwrap();
    assert_eq!(answer["message"], "Our chain was replaced");
    assert_eq!(answer["new_chain"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mining_goes_on_unless_a_peer_is_ahead() {
    let told = Told::default();
    told.set(Progress::Syncing);
    let test = among(&told);
    let mining = tokio::spawn(keep_mining(Arc::clone(&test.node), Pace::On));
    test.get("/mine").await;
    assert_eq!(
        test.node.ledger().tip().index,
        2,
        "nothing but what was asked for"
    );
    told.set(Progress::Synced);
    while test.node.ledger().tip().index < 6 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    test.node.stop();
    mining.await.unwrap();
}
