import type { Command } from 'commander';

/** One or two of each command, by its path, for whoever reads its help. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  api: ['interlock api --port 8787'],
  worker: ['interlock worker -n w1 -Q default,slow -c 8', 'interlock worker --pool async -c 200'],
  'resource-manager': ['interlock resource-manager'],
  beat: ['interlock beat -n beat@a'],
  dev: ['INTERLOCK_TASK_MODULES=./tasks.ts interlock dev --port 9000'],
  'manage-db': ['interlock manage-db'],
  'manage-workers': ['INTERLOCK_WORKERS=4 interlock manage-workers start'],
  init: ['interlock init', 'interlock init ./my-tasks'],
  'task run': [
    `interlock task run tasks.add --args '[1, 2]' --wait`,
    `interlock task run example.sync --kwargs @input.json --exclusive repository:centos --countdown 60`,
  ],
  'task list': [
    'interlock task list --state failed --state canceled',
    'interlock task list --resource repository:centos --watch',
  ],
  'task show': ['interlock task show ID --json | jq .attempts'],
  'task explain': ['interlock task explain ID'],
  'task wait': ['interlock task wait ID --timeout 600'],
  'task cancel': ['interlock task cancel ID --tree', 'interlock task cancel --queue slow --dry-run'],
  'task retry': ['interlock task retry ID', 'interlock task retry --state failed --queue slow --dry-run'],
  'task delete': ['interlock task delete ID', 'interlock task delete --tag trial --created-before 2026-01-31T12:00:00Z --yes'],
  'task purge': ['interlock task purge --state completed --finished-before 2026-01-31T00:00:00Z --yes'],
  'group list': ['interlock group list --limit 10'],
  'group show': ['interlock group show ID --watch'],
  'group create': ['interlock group create nightly'],
  'group cancel': ['interlock group cancel ID --yes'],
  'workflow run': ['interlock workflow run @nightly.json --wait'],
  'queue list': ['interlock queue list --watch 1'],
  'schedule list': ['interlock schedule list'],
  'schedule add': [`interlock schedule add nightly tasks.add --cron '0 2 * * *' --timezone Europe/Berlin --args '[1, 2]'`],
  'schedule edit': ['interlock schedule edit nightly --every 3600'],
  'schedule rm': ['interlock schedule rm nightly --yes'],
  'schedule pause': [`interlock schedule pause nightly --reason 'moving the data'`],
  'schedule resume': ['interlock schedule resume nightly'],
  'schedule run': ['interlock schedule run nightly'],
  'schedule next': ['interlock schedule next nightly --count 5'],
  'resource list': ['interlock resource list --limit 100'],
  'resource show': ['interlock resource show repository:centos'],
  'resource capacity': ['interlock resource capacity gpu 4', 'interlock resource capacity gpu --remove'],
  'resource release': ['interlock resource release repository:centos --yes'],
  'workers list': ['interlock workers list --watch'],
  'workers show': ['interlock workers show w1'],
  'workers pause': ['interlock workers pause w1 w2'],
  'workers resume': ['interlock workers resume --all'],
  'workers drain': ['interlock workers drain w1 --wait 60'],
  'workers shutdown': ['interlock workers shutdown w1 --stage soft', 'interlock workers shutdown --all --yes'],
  'workers pool grow': ['interlock workers pool grow 4 w1'],
  'workers pool shrink': ['interlock workers pool shrink 2 --all'],
  'workers pool set': ['interlock workers pool set 8 w1'],
  events: ['interlock events --state failed', 'interlock events --task ID'],
  status: ['interlock status', 'interlock status --watch 5'],
  openapi: ['interlock openapi > openapi.json'],
  'maintenance on': [`interlock maintenance on --reason 'new disks until 14:00'`],
  'maintenance off': ['interlock maintenance off'],
  'maintenance show': ['interlock maintenance show --json'],
  drain: ['interlock drain --timeout 600 --leave-delayed', 'interlock drain --resume'],
  'token create': ['interlock token create root --role admin --direct', 'interlock token create ci --role submit --expires P90D'],
  'token list': ['interlock token list'],
  'token show': ['interlock token show ci'],
  'token revoke': ['interlock token revoke ci'],
  audit: ['interlock audit --since 2026-01-31T00:00:00Z'],
  backup: ['interlock backup /var/backups/interlock/2026-01-31'],
  verify: ['interlock verify /var/backups/interlock/2026-01-31'],
  restore: ['interlock restore /var/backups/interlock/2026-01-31 --requeue'],
  'config show': ['interlock config show --sources'],
  'config check': ['interlock config check'],
  'profile add': ['interlock profile add prod --url https://interlock.example.org --token-from ./token'],
  'profile list': ['interlock profile list'],
  'profile use': ['interlock profile use prod'],
  'profile rm': ['interlock profile rm prod'],
  'systemd print': ['interlock systemd print interlock-beat'],
  'systemd install': ['sudo interlock systemd install'],
  'completion bash': ['source <(interlock completion bash)'],
  'completion zsh': ['source <(interlock completion zsh)'],
  'completion fish': ['interlock completion fish | source'],
};

/** After the help of each command. */
export function addExamples(program: Command): void {
  for (const [path, lines] of Object.entries(EXAMPLES)) {
    const command = path
      .split(' ')
      .reduce<Command | undefined>((at, word) => at?.commands.find(each => each.name() === word), program);
    const title = lines.length === 1 ? 'Example' : 'Examples';
    command?.addHelpText('after', `\n${title}:\n${lines.map(line => `  ${line}`).join('\n')}`);
  }
}
