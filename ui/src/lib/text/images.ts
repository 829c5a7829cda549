/** A picture that a tool gave back: its bytes are in the address, nothing is fetched. */
export interface Picture {
  readonly source: string;
  readonly type: string;
}

/** Pictures of one output, at most, and characters of each. */
const MOST = 8;
const LARGEST = 8 * 1024 * 1024;
/** Drawings are programs, and so not among them. */
const TYPES = 'png|jpeg|gif|webp|avif|bmp';
const ADDRESS = new RegExp(`data:image/(${TYPES});base64,([A-Za-z0-9+/]{16,}={0,2})`, 'g');
const NOTE = '[picture]';

function picture(type: unknown, data: unknown): Picture | undefined {
  if (typeof type !== 'string' || typeof data !== 'string' || data.length > LARGEST) return undefined;
  const kind = new RegExp(`^image/(${TYPES})$`).exec(type)?.[1];
  const plain = data.replace(/\s+/g, '');
  if (kind === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return undefined;
  return { type: kind, source: `data:image/${kind};base64,${plain}` };
}

/** The picture of a block of content, as MCP or as the providers say it. */
function ofBlock(block: unknown): Picture | undefined {
  if (typeof block !== 'object' || block === null) return undefined;
  const { type, mimeType, data, source } = block as Record<string, unknown>;
  if (type !== 'image') return undefined;
  if (typeof source === 'object' && source !== null) {
    const { media_type, data: inner } = source as Record<string, unknown>;
    return picture(media_type, inner);
  }
  return picture(mimeType, data);
}

/** The pictures in a tool's output, and the output without them. Remote ones stay the text they are. */
export function imagesIn(output: string): { readonly images: readonly Picture[]; readonly rest: string } {
  const blocks = blocksOf(output);
  if (blocks) {
    const images: Picture[] = [];
    const rest = blocks.flatMap((block) => {
      const found = images.length < MOST ? ofBlock(block) : undefined;
      if (found) images.push(found);
      const text = (block as { text?: unknown } | null)?.text;
      return found ? [] : [typeof text === 'string' ? text : JSON.stringify(block)];
    });
    if (images.length > 0) return { images, rest: rest.join('\n') };
  }
  if (!output.includes('data:image/')) return { images: [], rest: output };
  const images: Picture[] = [];
  const rest = output.replace(ADDRESS, (whole: string, type: string) => {
    if (images.length >= MOST || whole.length > LARGEST) return whole;
    images.push({ type, source: whole });
    return NOTE;
  });
  return { images, rest: rest.trim() === NOTE ? '' : rest };
}

function blocksOf(output: string): unknown[] | undefined {
  const start = output.trimStart()[0];
  if ((start !== '[' && start !== '{') || !output.includes('"image"')) return undefined;
  try {
    const parsed: unknown = JSON.parse(output);
    if (Array.isArray(parsed)) return parsed;
    const content = (parsed as { content?: unknown } | null)?.content;
    return Array.isArray(content) ? content : [parsed];
  } catch {
    return undefined;
  }
}
