import { ChildFailed, defineTask } from 'interlock';
import { Type } from 'typebox';

export const check = defineTask({
  name: 'check',
  input: Type.Object({ package: Type.String() }),
  handler({ package: name }) {
    if (name.startsWith('broken')) throw new Error(`${name} does not unpack`);
    return { name, files: name.length };
  },
});

export const announce = defineTask({
  name: 'announce',
  input: Type.Object({ files: Type.Integer() }),
  resources: () => ({ exclusive: ['site'] }),
  handler: ({ files }) => `released ${files} files`,
});

export const release = defineTask({
  name: 'release',
  input: Type.Object({ packages: Type.Array(Type.String()) }),
  async handler({ packages }, ctx) {
    const children = await Promise.all(packages.map(name => ctx.spawn(check, { package: name })));
    const checked = await Promise.allSettled(children.map(child => child.result()));
    let files = 0;
    for (const each of checked) {
      if (each.status === 'fulfilled') files += each.value.files;
      else if (each.reason instanceof ChildFailed) ctx.log.warn(each.reason.message, { child: each.reason.task.id });
      else throw each.reason;
    }
    return ctx.call(announce, { files });
  },
});
