//! Where an attack takes place: two honest nodes that talk, and an attacker who has the certificate of
//! a third. Measures.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::honest::Honest;
use crate::say;
use crate::support::{Network, Node, Plan, Program, SOON};
use crate::target::{PARENT, Target, VICTIM, Watch, humbly};

/// Most memory that the node attacked may ever have resident.
pub(crate) const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// What honest traffic keeps of its speed, at the least.
pub(crate) const KEPT_MIN: f64 = 0.5;
/// One kind of attack.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Operations in each second at the least, or there was no attack.
    pub(crate) per_second_min: f64,
    /// Threads that do it at the same time.
    pub(crate) threads: usize,
    /// Needs the large documents that wait for the attacker.
    pub(crate) baited: bool,
    /// Honest traffic comes from the node above: the attack uses up what the agency here may do.
    pub(crate) from_above: bool,
    /// One thread's work until the watch ends it.
    pub(crate) run: fn(&Target, &Watch, usize),
}

/// How long things last.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) before: Duration,
    pub(crate) ramp: Duration,
    pub(crate) during: Duration,
    /// The part of the speed asked for that must be reached: a second on a machine shared with others
    /// shows that traffic goes on and memory does not grow, and little of how fast.
    pub(crate) part: f64,
}

/// What one attack came to.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) rss_peak_bytes: u64,
    pub(crate) before: f64,
    pub(crate) during: f64,
    pub(crate) operations: u64,
}

/// The nodes, while they run.
pub(crate) struct Arena {
    network: Rc<Network>,
    victim: Node,
    parent: Node,
    target: Arc<Target>,
}

impl Arena {
    /// Nodes with the limits that a node has when its operator names none.
    pub(crate) async fn new(from_above: bool) -> Self {
        let mut plan = Plan { log_level: "warn", ..Plan::tiers(3) };
        if !from_above {
            // One agency does here what quotas keep one agency from doing.
            plan.quotas =
                vec![("agency_dispatches_per_minute", 1_000_000), ("agency_burst", 1_000_000)];
        }
        let network = Network::create(&plan);
        // What an honest mailbox keeps for its clerk is no part of this: the one that takes it has room.
        let sink = &network.nodes[if from_above { VICTIM } else { PARENT }].config;
        let text = fs::read_to_string(sink).expect("a configuration");
        let room = format!(
            "[limits]\nmemory_bytes_max = {}\n",
            if from_above { 384 << 20 } else { 4u64 << 30 }
        );
        fs::write(sink, text.replace("[limits]\n", &room)).expect("a configuration");
        let node = |tier: usize| Node::new(network.nodes[tier].clone(), Program::tram());
        let (mut parent, mut victim) = (node(PARENT), node(VICTIM));
        parent.start();
        parent.answers().await;
        victim.start();
        victim.answers().await;
        let client = victim.client();
        let deadline = Instant::now() + SOON;
        while client.status().await.expect("a status").peers_connected == 0 {
            assert!(Instant::now() < deadline, "no session:\n{}", victim.tail());
            sleep(Duration::from_millis(10)).await;
        }
        // Every user of this machine may connect, as the rules of the configuration say.
        let socket = &victim.files.socket;
        fs::set_permissions(socket, Permissions::from_mode(0o666)).expect("our socket");
        let folder = socket.parent().expect("a folder");
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("our folder");
        let target = Arc::new(Target::of(&network));
        target.load(&network);
        Arena { network: Rc::new(network), victim, parent, target }
    }

    /// Honest traffic, the attack, and what came of it; said in one line.
    pub(crate) async fn under(&self, attack: &Attack, times: Times) -> Outcome {
        if attack.baited {
            crate::peers::bait(&self.network, &self.victim.client()).await;
        }
        let (victim, parent) = ((self.victim.client(), VICTIM), (self.parent.client(), PARENT));
        let (from, to) = match attack.from_above {
            true => (parent, victim),
            false => (victim, parent),
        };
        let honest = Honest::start(&self.network, from, to).await;
        self.measured(attack, times, &honest).await
    }

    async fn measured(&self, attack: &Attack, times: Times, honest: &Honest) -> Outcome {
        sleep(times.ramp).await;
        self.forget_peak();
        let cpu_at = self.cpu_ms();
        let before = honest.rate(times.before).await;
        let cpu_before = self.cpu_ms() - cpu_at;
        let watch = Arc::new(Watch::default());
        let threads: Vec<_> = (0..attack.threads)
            .map(|nth| {
                let (run, target, watch) = (attack.run, self.target.clone(), watch.clone());
                std::thread::spawn(move || {
                    humbly();
                    run(&target, &watch, nth);
                })
            })
            .collect();
        sleep(times.ramp).await;
        let (operations, cpu_at) = (watch.operations(), self.cpu_ms());
        let during = honest.rate(times.during).await;
        let cpu_during = self.cpu_ms() - cpu_at;
        let meanwhile = watch.operations() - operations;
        watch.end();
        for thread in threads {
            // It tells itself what it died of.
            tokio::task::spawn_blocking(move || thread.join())
                .await
                .expect("a task")
                .expect("an attacker");
        }
        let outcome = Outcome {
            rss_peak_bytes: self.victim.peak_memory_bytes(),
            before,
            during,
            operations: watch.operations(),
        };
        // What it took besides the honest traffic, by what that took before.
        let honest_ms = cpu_before as f64 / times.before.as_secs_f64() / before.max(1.0);
        let spent_ms = cpu_during as f64 - honest_ms * during * times.during.as_secs_f64();
        say(&format!(
            "attack={} rss_peak_mib={} honest_before={:.0} honest_during={:.0} ratio={:.2} \
             attacker_ops={} node_us_per_op={:.0} honest_waits={}",
            attack.name,
            outcome.rss_peak_bytes >> 20,
            before,
            during,
            during / before.max(1.0),
            outcome.operations,
            (spent_ms.max(0.0) * 1e3) / (meanwhile.max(1)) as f64,
            honest.refused(),
        ));
        outcome
    }

    /// The peak is what comes from now on.
    fn forget_peak(&self) {
        let path = format!("/proc/{}/clear_refs", self.victim.pid());
        fs::write(path, "5").expect("a process of ours");
    }

    /// Milliseconds of processor time that the node attacked used.
    fn cpu_ms(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.victim.pid());
        let text = fs::read_to_string(path).expect("a process of ours");
        let fields: Vec<&str> =
            text[text.rfind(')').expect("a name") + 1..].split_whitespace().collect();
        // utime and stime in ticks of 10 ms.
        let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
        (ticks(11) + ticks(12)) * 10
    }

    /// The last lines of the log of the node attacked.
    pub(crate) fn tail(&self) -> String {
        self.victim.tail()
    }
}
