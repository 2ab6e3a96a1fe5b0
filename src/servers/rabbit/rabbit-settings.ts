import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RabbitBinary } from '../binaries/rabbit-binary.js';

/** A node that is alone has an epmd of its own, so all such may bear one name. */
export const NODE_NAME = 'interlock@127.0.0.1';

export interface RabbitPlace {
  nodename: string;
  /** All nodes of the cluster that it forms or joins at its first start; none for one that stays alone. */
  cluster: readonly string[];
  ports: { amqp: number; distribution: number; epmd: number };
  /** Where data, cookie and settings lie; what is there is kept. */
  folder: string;
  logFile: string;
  user: string;
  password: string;
}

/** For the node and for rabbitmqctl alike. */
export function environment(binary: RabbitBinary, place: RabbitPlace): NodeJS.ProcessEnv {
  const { ports, folder } = place;
  return {
    ...withoutErlang(process.env),
    ...binary.env,
    HOME: folder, // where Erlang looks for its cookie
    LANG: 'C.UTF-8', // else rabbitmqctl's Elixir warns about latin1 names
    RUNNING_UNDER_SYSTEMD: 'true', // the script then becomes the node instead of staying its parent
    RABBITMQ_CONF_ENV_FILE: '/dev/null', // not the machine's own /etc/rabbitmq
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_NODENAME: place.nodename,
    RABBITMQ_USE_LONGNAME: 'true', // an address needs no resolver, where a host name does
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD: 'very_short', // a start takes 1.8 s instead of 2.5, and idle costs the same 0.3 % of a core
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP_BYTES: '0', // a dump of a hundred MB is of use to nobody here
  };
}

/** The caller's environment without what would steer Erlang, RabbitMQ or a systemd unit around the caller. */
function withoutErlang(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(RABBITMQ|ERL|NOTIFY_SOCKET)/.test(name)));
}

export function writeSettings(place: RabbitPlace): void {
  const settings = [
    `default_user = ${place.user}`,
    `default_pass = ${place.password}`,
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 50MB',
    'raft.wal_max_size_bytes = 33554432', // the default keeps up to 512 MB of quorum queues' log in memory
    'log.console = true',
    'log.console.level = info',
    'log.file = false',
    ...clusterSettings(place.cluster),
  ];
  mkdirSync(join(place.folder, 'log'), { recursive: true });
  writeFileSync(join(place.folder, 'rabbitmq.conf'), settings.join('\n') + '\n', { mode: 0o600 });
  writeFileSync(join(place.folder, 'advanced.config'), '[].\n');
  writeFileSync(join(place.folder, 'enabled_plugins'), '[].\n');
  const cookie = join(place.folder, '.erlang.cookie');
  rmSync(cookie, { force: true });
  writeFileSync(cookie, place.password, { mode: 0o400 });
}

/** Each node finds the others by itself: `rabbitmqctl join_cluster` would cost a stop, a reset and a start of each. */
function clusterSettings(nodes: readonly string[]): string[] {
  if (nodes.length === 0) return [];
  return [
    'cluster_formation.peer_discovery_backend = classic_config',
    ...nodes.map((node, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${node}`),
  ];
}
