import { expect, it } from 'vitest'
import { lookupOutside } from '../../../gateway/egress/lookup.ts'

function lookedUp(listedAs: string, name: string): Promise<string | string[]> {
  return new Promise((resolve, reject) =>
    lookupOutside(listedAs)(name, { all: true }, (error, addresses) =>
      error === null ? resolve((addresses as { address: string }[]).map(({ address }) => address)) : reject(error),
    ),
  )
}

it('takes no name for a way to this machine', async () => {
  // What the machine's own table says of it stands for any name that somebody else points here.
  await expect(lookedUp('points-here.example', 'localhost')).rejects.toThrow('leads to this machine')
  expect(await lookedUp('localhost', 'localhost')).toEqual(
    expect.arrayContaining([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]),
  )
})
