import { expect } from 'chai';

import { heard, jobOf } from '../../support/pool.js';
import { until } from '../../support/wait.js';
import { failure, result, type SharedPool } from './support.js';

export function failuresContract({ pool }: SharedPool): void {
  describe('failing', () => {
    it('keeps the code, the message and a bounded stack of what a body throws', async () => {
      const coded = await failure(pool().run(jobOf('basic.fail', ['no such thing', 'E_MISSING']), heard()));
      expect(coded.error).to.include({ code: 'E_MISSING', message: 'no such thing' });
      expect(coded.error.traceback).to.match(/at fail .*basic\.ts:\d+/);
      const long = await failure(pool().run(jobOf('basic.fail', ['x'.repeat(50_000), 'not a code']), heard()));
      expect(long.error.code).to.equal('TASK_ERROR');
      expect(Buffer.byteLength(long.error.message)).to.be.at.most(4_096);
      expect(Buffer.byteLength(long.error.traceback!)).to.be.at.most(8_192);
    });

    for (const what of ['bigint', 'cycle', 'function']) {
      it(`fails a task whose result is a ${what}`, async () => {
        const { error } = await failure(pool().run(jobOf('test.returns', [], { kwargs: { what } }), heard()));
        expect(error.code).to.equal('RESULT_NOT_JSON');
      });
    }

    it('fails a task whose result is too large, before it is sent', async () => {
      const kwargs = { what: 'big', size: 200 * 1024 * 1024 };
      const { error } = await failure(pool().run(jobOf('test.returns', [], { kwargs }), heard()));
      expect(error.code).to.be.oneOf(['RESULT_TOO_LARGE', 'CHILD_DIED']);
      const just = await failure(pool().run(jobOf('test.returns', [], { kwargs: { what: 'big', size: 64 * 1024 } }), heard()));
      expect(just.error.code).to.equal('RESULT_TOO_LARGE');
    });

    it('names the exit status and the last words of a child that exits', async () => {
      const outcome = await failure(pool().run(jobOf('rough.exit', [3]), heard()));
      expect(outcome.error.code).to.equal('CHILD_DIED');
      expect(outcome.error.message).to.contain('status 3').and.to.contain('goodbye');
      expect(outcome.exit).to.deep.equal({ code: 3, signal: null });
    });

    it('does not take exit status 0 for success', async () => {
      const outcome = await failure(pool().run(jobOf('rough.exit', [0]), heard()));
      expect(outcome.error.code).to.equal('CHILD_DIED');
      expect(outcome.exit).to.deep.equal({ code: 0, signal: null });
    });

    it('names the signal of a child that aborts', async () => {
      const outcome = await failure(pool().run(jobOf('rough.abort'), heard()));
      expect(outcome.exit).to.deep.equal({ code: null, signal: 'SIGABRT' });
    });

    it('names the signal of a child that crashes', async () => {
      const outcome = await failure(pool().run(jobOf('rough.raise', ['SIGSEGV']), heard()));
      expect(outcome.error).to.include({ code: 'CHILD_DIED' }).and.property('message').contain('SIGSEGV');
      expect(outcome.exit).to.deep.equal({ code: null, signal: 'SIGSEGV' });
      expect(await result(pool().run(jobOf('basic.add', [2, 2]), heard()))).to.equal(4);
    });

    it('fails a task with a rejection that nobody handles', async () => {
      const outcome = await failure(pool().run(jobOf('rough.rejectUnseen'), heard()));
      expect(outcome.error.message).to.contain('nobody looks');
      expect(outcome.error.code).to.equal('CHILD_DIED');
    });

    it('kills a child that uses too much memory outside its heap', async () => {
      const outcome = await failure(pool().run(jobOf('rough.hogBuffers'), heard()));
      expect(outcome.error.message).to.match(/more than [45]00 MiB of memory/);
    });

    for (const name of ['garbage', 'wrongMessage', 'flood']) {
      it(`kills a child that sends a ${name}, and goes on`, async () => {
        const outcome = await failure(pool().run(jobOf(`rough.${name}`), heard()));
        expect(outcome.error.code).to.equal('CHILD_DIED');
        expect(outcome.exit?.signal).to.equal('SIGKILL');
        expect(await result(pool().run(jobOf('basic.add', [2, 2]), heard()))).to.equal(4);
      });
    }

    it('closes the bars of a task with its end, also when its child died', async () => {
      const events = heard();
      const running = pool().run(jobOf('test.finish-anyway'), events);
      await until('the first report', () => events.reports.length > 0);
      const busy = pool()
        .stats()
        .children.find(child => child.tasks.length > 0)!;
      process.kill(busy.pid, 'SIGKILL');
      const outcome = await failure(running);
      expect(outcome.error.message).to.contain('SIGKILL');
      expect(events.reports.at(-1)!.progress.map(bar => bar.state)).to.deep.equal(['failed']);
    });
  });
}
