/** What a tsconfig.json asks of decorators that esbuild does not do: code that relies on it fails far from here. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderLook } from './folder-look.ts'

const FILE = 'tsconfig.json'
const MOST_BYTES = 64 * 1024
/** Not behind `//`. */
const ASKS = /^(?:(?!\/\/).)*"emitDecoratorMetadata"\s*:\s*true/m

/** For its author; null: nothing is missing. */
export async function decoratorNote({ name, dir, names }: FolderLook): Promise<string | null> {
  if (!names.has(FILE)) return null
  try {
    const path = join(dir, FILE)
    const { size } = await stat(path)
    if (size > MOST_BYTES || !ASKS.test(await readFile(path, 'utf8'))) return null
  } catch {
    return null
  }
  return `${name}/${FILE} sets emitDecoratorMetadata, which the build does not do: Reflect.getMetadata('design:type', …) finds nothing, and NestJS or TypeORM resolve no types by it. Compile with tsc and name its output as "main" in package.json, or state the types in the decorators: @Inject(Service), @Column({ type: 'text' }).`
}
