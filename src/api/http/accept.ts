/** Whether an `Accept` header (RFC 9110) allows this media type. None, and one that cannot be read, allows everything. */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const [type = ''] = mediaType.split('/');
  // The most specific range that fits decides.
  for (const range of [mediaType, `${type}/*`, '*/*']) {
    const quality = qualityOf(header, range);
    if (quality !== undefined) return quality > 0;
  }
  return false;
}

function qualityOf(header: string, range: string): number | undefined {
  for (const part of header.split(',')) {
    const [given = '', ...parameters] = part.split(';').map(each => each.trim().toLowerCase());
    if (given !== range) continue;
    const quality = Number(parameters.find(each => each.startsWith('q='))?.slice(2) ?? 1);
    return Number.isNaN(quality) ? 1 : quality;
  }
  return undefined;
}
