import { expect } from 'chai';

import { cliUnderTest } from '../../support/cli-against.js';
import { interlock, startInterlock } from '../../support/command.js';
import { scriptedApi } from '../../support/scripted-api.js';

/** Rows of docs/bad-input.md about the command line, as far as no other test shows them. */
describe('The command line, given bad input', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();

  const usage: [what: string, args: string[], says: RegExp][] = [
    ['B48 a missing value', ['task', 'list', '--limit'], /'--limit <n>' argument missing/],
    ['B49 no word', ['manage-workers'], /missing required argument 've/],
    ['B49 two words', ['manage-workers', 'start', 'stop'], /too many arguments/],
    ['B49 another word', ['manage-workers', 'restart'], /expected start or stop|one of start, stop|choices are start, stop/i],
    ['B50 no slots', ['worker', '-c', '0'], /integer from 1 to 2000/],
    ['B50 fewer slots than none', ['worker', '-c', '-1'], /integer from 1 to 2000/],
    ['B50 one and a half slots', ['worker', '-c', '1.5'], /integer from 1 to 2000/],
    ['B50 too many slots', ['worker', '-c', '10000'], /integer from 1 to 2000/],
    ['B50 a word for slots', ['worker', '-c', 'auto '], /integer from 1 to 2000/],
    ['B53 a token for an argument', ['status', '--token', 'ilk_hush'], /unknown option '--token'/],
    ['B53 a token in a profile', ['profile', 'add', 'p', '--url', 'http://h', '--token', 'ilk_hush'], /unknown option '--token'/],
    [
      'B07 a key that is given twice',
      ['task', 'run', 't', '--kwargs', '{"a": 1, "a": 2}'],
      /"a" is given twice: line 1, column 10/,
    ],
  ];
  for (const [what, args, says] of usage) {
    it(`ends with 2 and says why: ${what}`, async () => {
      const { code, stdout, stderr } = await interlock(args, { cwd: cli.folder });
      expect(stderr)
        .to.match(says)
        .and.not.match(/\n {4}at /);
      expect(stderr).to.not.include('hush');
      expect([code, stdout]).to.deep.equal([2, '']);
    });
  }

  it('prints plain JSON without colours where nobody sees it, whatever the locale', async () => {
    const api = await scriptedApi(() => ({ body: { items: [{ name: 'Zürich' }], next: null } }));
    const running = startInterlock(['queue', 'list'], {
      cwd: cli.folder,
      env: { INTERLOCK_URL: api.url, LC_ALL: 'C', LANG: 'C' },
    });
    const { code, stdout, stderr } = await running.ended;
    await api.close();
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.equal('{"items":[{"name":"Zürich"}],"next":null}\n');
  });
});
