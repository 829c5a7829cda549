import type { CompilerOptions } from '@inlang/paraglide-js';

export const OPTIONS: CompilerOptions;
export function compileMessages(): void;
