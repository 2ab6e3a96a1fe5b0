/** Lets everything run that can run without real time passing. */
export function turn(): Promise<void> {
  return new Promise(resolve => void setImmediate(resolve));
}

/** Whether `happened` resolves within this real time. Leaves no timer behind. */
export async function within(ms: number, happened: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>(resolve => (timer = setTimeout(resolve, ms, false)));
  try {
    return await Promise.race([happened.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
