// `npm test`: everything that can be wrong, one step after the other, and one line at the end that counts it: each
// step and each test is one. Words after `npm test --` choose test files; then only those are run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, toolEnv } from './tool-path.mjs'

/** The import walls are lint rules too, and a step of their own: crossing one is another kind of mistake. */
const WALLS = 'style/noRestrictedImports'

const STEPS = [
  ['format and lint', 'biome', ['check', '--error-on-warnings', `--skip=${WALLS}`, '.']],
  ['walls between the rooms', 'biome', ['lint', `--only=${WALLS}`, '.']],
  ['types', 'tsc', ['--noEmit']],
  ['configuration document', 'node', ['scripts/config-docs.ts', '--check']],
]

/** A step says one line when it is good, and everything it has to say when it is not. */
function runStep([name, command, args]) {
  const startedAtMs = performance.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, env: toolEnv(), encoding: 'utf8' })
  const isGood = status === 0
  const took = `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`
  if (!isGood) console.log(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd())
  console.log(`${isGood ? 'ok    ' : 'FAILED'}  ${name}  (${took})`)
  return isGood
}

function runTests(files) {
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-test-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const options = { cwd: root, env: toolEnv(), stdio: ['ignore', 'inherit', 'inherit'] }
  const { status } = spawnSync('vitest', ['run', ...reporters, ...files], options)
  try {
    return counts(JSON.parse(readFileSync(report, 'utf8')), status === 0)
  } catch {
    console.log('FAILED  vitest ended without a report: see what it says above')
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function counts({ testResults, numPassedTests, numFailedTests, numPendingTests, numTodoTests }, isGood) {
  // A file that cannot be loaded fails without a failed test in it, an error outside any test without either.
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  const failed = numFailedTests + broken
  return {
    passed: numPassedTests,
    failed: isGood ? failed : Math.max(1, failed),
    skipped: numPendingTests + numTodoTests,
  }
}

const files = process.argv.slice(2)
const steps = files.length > 0 ? [] : STEPS.map(runStep)
const tests = runTests(files)
const passed = steps.filter((isGood) => isGood).length + tests.passed
const failed = steps.filter((isGood) => !isGood).length + tests.failed
console.log(`\n${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`)
process.exit(failed === 0 ? 0 : 1)
