// Imports point one way: core <- store, broker <- process, dispatch <- roles <- main (docs/architecture.md).
// Each rule reads: files in `from` must not import files in `to`.
const rule = (name, from, to) => ({ name, severity: 'error', from, to });
const ROLE = '(api|resource-manager|worker|beat)';

module.exports = {
  forbidden: [
    rule('no-cycles', {}, { circular: true }),
    rule('no-unresolvable', {}, { couldNotResolve: true }),
    rule('plain-names', { path: '^src/' }, { path: '^src/.*/(util|utils|helper|helpers|common|types|misc|manager)[.]ts$' }),
    rule('no-test-code-in-src', { path: '^src/' }, { path: '^test/' }),
    rule('core-is-pure', { path: '^src/core/' }, { pathNot: '^src/core/' }),
    rule('store-and-broker-are-strangers', { path: '^src/(store|broker)/' }, { path: '^src/', pathNot: '^src/(core|$1)/' }),
    rule(
      'process-and-dispatch-look-down',
      { path: '^src/(process|dispatch|tasks)/' },
      { path: `^src/(${ROLE}|client|cli|config|main|plugins|servers)/` },
    ),
    rule('audit-sees-records-only', { path: '^src/audit/' }, { path: '^src/', pathNot: '^src/(audit/|core/|store/[^/]+[.]ts$)' }),
    rule(
      'backup-sees-ports-only',
      { path: '^src/backup/' },
      { path: '^src/', pathNot: '^src/(backup/|core/|process/|store/[^/]+[.]ts$|broker/[^/]+[.]ts$)' },
    ),
    rule(
      'doctor-sees-evidence-only',
      { path: '^src/doctor/' },
      { path: '^src/', pathNot: '^src/(doctor/|core/|store/[^/]+[.]ts$|broker/[^/]+[.]ts$)' },
    ),
    rule('no-role-sees-a-doctor', { path: '^src/', pathNot: '^src/(doctor|main|cli)/' }, { path: '^src/doctor/' }),
    rule('no-role-backs-up', { path: '^src/', pathNot: '^src/(backup|main|cli)/' }, { path: '^src/backup/' }),
    rule('nobody-audits-itself', { path: '^src/', pathNot: '^src/(audit|main|cli)/' }, { path: '^src/audit/' }),
    rule(
      'a-lab-has-no-servers',
      { path: '^src/testing/' },
      { path: '^src/(api|client/(?!flow)|cli|config|main|plugins|servers|audit)/' },
    ),
    rule('nobody-runs-in-a-lab', { path: '^src/', pathNot: '^src/testing[./]' }, { path: '^src/testing[./]' }),
    rule('roles-are-siblings', { path: `^src/${ROLE}/` }, { path: `^src/${ROLE}/`, pathNot: '^src/$1/' }),
    rule('client-sees-only-core', { path: '^src/client/' }, { path: '^src/', pathNot: '^src/(core|client)/' }),
    rule(
      'plugins-use-the-public-surface',
      { path: '^src/plugins/' },
      { path: '^src/', pathNot: '^src/(core|store/store|tasks|plugins)' },
    ),
    rule('servers-stand-alone', { path: '^src/servers/' }, { path: '^src/', pathNot: '^src/servers/' }),
    rule('main-is-the-top', { path: '^src/', pathNot: '^src/(main|cli)/' }, { path: '^src/(main|cli)/' }),
    rule('config-only-from-main', { path: '^src/', pathNot: '^src/(main|cli|config)/' }, { path: '^src/config/' }),
    rule(
      'adapters-only-from-main',
      { path: '^src/', pathNot: '^src/(main|store/mongo|broker/amqp)/' },
      { path: '^src/(store/mongo|broker/amqp)/' },
    ),
    rule('mongodb-has-one-home', { path: '^src/', pathNot: '^src/store/mongo/' }, { path: 'node_modules/mongodb/' }),
    rule('amqplib-has-one-home', { path: '^src/', pathNot: '^src/broker/amqp/' }, { path: 'node_modules/amqplib/' }),
    rule('fastify-has-one-home', { path: '^src/', pathNot: '^src/(api|plugins)/' }, { path: 'node_modules/(fastify|@fastify)/' }),
    rule(
      'undici-has-two-homes',
      { path: '^src/', pathNot: '^src/(plugins/file/download|client/tls)' },
      { path: 'node_modules/undici/' },
    ),
    rule(
      'prom-client-has-two-homes',
      { path: '^src/', pathNot: '^src/(process/metrics|api/metrics/)' },
      { path: 'node_modules/prom-client/' },
    ),
    rule('winston-has-one-home', { path: '^src/', pathNot: '^src/process/logger' }, { path: 'node_modules/winston/' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // The packages that these use are no dependencies of Interlock: the bench installs them elsewhere.
    exclude: { path: '^test/bench/peers/npm/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // Packages that are ES modules only (typebox, uuid) have no other condition.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
