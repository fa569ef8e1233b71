/** Which versions the contestants are of: what is measured changes with them. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { phpFpm } from './nginx.ts'
import { inPackage } from './single-process.ts'

const PACKAGES = [
  'hono',
  '@hono/node-server',
  'piscina',
  'workerd',
  '@google-cloud/functions-framework',
  'fastify',
  '@fastify/http-proxy',
  'bun',
]

export function versionsInWords(): string {
  return `Versions: ${[...PACKAGES.map((name) => `${name} ${versionOf(name)}`), `PHP ${phpVersion()}`].join(', ')}.`
}

function versionOf(name: string): string {
  try {
    return (JSON.parse(readFileSync(inPackage(name, 'package.json'), 'utf8')) as { version: string }).version
  } catch {
    return 'not installed'
  }
}

function phpVersion(): string {
  try {
    return execFileSync(phpFpm(), ['-v'], { encoding: 'utf8' }).match(/\d[\d.]*/)?.[0] ?? 'unknown'
  } catch {
    return 'not installed'
  }
}
