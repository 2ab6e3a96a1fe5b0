import type { Argument, Command } from 'commander';

/** What positional arguments of a command name; asked of the API, or of the profiles, when somebody presses Tab. */
export const VALUE_KINDS = ['tasks', 'schedules', 'workers', 'groups', 'profiles'] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

/** One command with what may follow it. */
export interface Place {
  /** As `interlock task run`. */
  path: string;
  verbs: string[];
  options: string[];
  values: ValueKind | undefined;
  /** Fixed words of an option or an argument, as `prefork`. */
  choices: { option: string; words: readonly string[] }[];
}

const KIND_OF_NOUN: Readonly<Record<string, ValueKind>> = {
  task: 'tasks',
  schedule: 'schedules',
  workers: 'workers',
  group: 'groups',
  profile: 'profiles',
};
/** Arguments that name something that is there, and not something that is to be. */
const NAMING = new Set(['id', 'ids', 'schedule', 'name', 'names']);
const NEW = new Set(['interlock task run', 'interlock schedule add', 'interlock profile add', 'interlock group create']);

export function placesOf(program: Command): Place[] {
  const walk = (command: Command, path: string): Place[] => [
    placeOf(command, path),
    ...command.commands.flatMap(verb => walk(verb, `${path} ${verb.name()}`)),
  ];
  return walk(program, program.name());
}

function placeOf(command: Command, path: string): Place {
  const [, noun = ''] = path.split(' ');
  const names = command.registeredArguments.some(argument => NAMING.has(argument.name()));
  const values = names && !NEW.has(path) ? KIND_OF_NOUN[noun] : undefined;
  const options = command.options.filter(({ hidden }) => !hidden);
  return {
    path,
    verbs: [...command.commands.map(verb => verb.name()), ...command.registeredArguments.flatMap(wordsOf)],
    options: [...options.flatMap(option => option.long ?? option.short ?? []), '--help'],
    values,
    choices: options.flatMap(({ long, argChoices }) => (long && argChoices ? [{ option: long, words: argChoices }] : [])),
  };
}

function wordsOf({ argChoices }: Argument): readonly string[] {
  return argChoices ?? [];
}

/** For bash 3.2 and newer. Words are fixed when the script is made; ids are asked for when they are wanted. */
export function bashScript(places: readonly Place[]): string {
  const known = places.slice(1).map(({ path }) => `"${path}"`);
  const cases = places.map(({ path, verbs, options, values }) =>
    [`    "${path}") verbs="${verbs.join(' ')}" options="${options.join(' ')}" kind="${values ?? ''}" ;;`].join('\n'),
  );
  const choices = places.flatMap(({ path, choices: all }) =>
    all.map(({ option, words }) => `    "${path} ${option}") verbs="${words.join(' ')}" options="" kind="" ;;`),
  );
  return `# Completion of interlock for bash: source <(interlock completion bash)
_interlock() {
  local word path="interlock" verbs="" options="" kind="" i
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$path $word" in
      ${known.join('|')}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$path $previous" in
${[...choices, '    *" --profile") verbs="" options="" kind="profiles" ;;'].join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
    return
  fi
  if [[ -n "$kind" ]]; then
    verbs="$verbs $("\${COMP_WORDS[0]}" completion values "$kind" 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$verbs" -- "$current"))
}
COMP_WORDBREAKS="\${COMP_WORDBREAKS//@/}"
complete -o default -F _interlock interlock
`;
}

export function zshScript(places: readonly Place[]): string {
  return `# Completion of interlock for zsh: source <(interlock completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bashScript(places).split('\n').slice(1).join('\n')}`;
}

export function fishScript(places: readonly Place[]): string {
  const known = places.slice(1).map(({ path }) => `'${path}'`);
  const lines = places.flatMap(({ path, verbs, options, values, choices }) => {
    const at = `complete -c interlock -n 'test (__interlock_path) = "${path}"'`;
    return [
      ...(verbs.length > 0 ? [`${at} -a '${verbs.join(' ')}'`] : []),
      ...(values ? [`${at} -a '(interlock completion values ${values} 2>/dev/null)'`] : []),
      ...options.map(option => {
        const words = choices.find(each => each.option === option)?.words;
        return `${at} -l ${option.replace(/^-+/, '')}${words ? ` -x -a '${words.join(' ')}'` : ''}`;
      }),
    ];
  });
  return `# Completion of interlock for fish: interlock completion fish | source
function __interlock_path
  set -l path interlock
  for word in (commandline -opc)[2..-1]
    switch "$path $word"
      case ${known.join(' ')}
        set path "$path $word"
    end
  end
  echo $path
end
complete -c interlock -f
${lines.join('\n')}
`;
}
