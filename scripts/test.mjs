// `npm test`: everything that can be wrong, one step after the other, and one line at the end that counts it. Words
// after `npm test --` choose test files; then only those are run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const files = process.argv.slice(2)

const STEPS = [
  ['format, lint and walls', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', ['--noEmit']],
]

function run(command, args) {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

function runSteps() {
  let failed = 0
  for (const [name, command, args] of STEPS) {
    const isGood = run(command, args)
    console.log(`${isGood ? 'ok    ' : 'FAILED'}  ${name}`)
    if (!isGood) failed++
  }
  return { passed: STEPS.length - failed, failed, skipped: 0 }
}

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-test-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const isGood = run('vitest', ['run', ...reporters, ...files])
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
    // A file that cannot be loaded, or an error outside any test, fails the run without a failed test.
    const failed = isGood ? numFailedTests : Math.max(1, numFailedTests)
    return { passed: numPassedTests, failed, skipped: numPendingTests }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const steps = files.length > 0 ? { passed: 0, failed: 0, skipped: 0 } : runSteps()
const tests = runTests()
const passed = steps.passed + tests.passed
const failed = steps.failed + tests.failed
console.log(`\n${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`)
process.exit(failed === 0 ? 0 : 1)
