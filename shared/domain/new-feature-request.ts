import type { FeatureRequest } from './feature-request.ts';
import { slug } from './ids.ts';

/** A new FR note: the next free number, as an idea, so that nothing starts before a person says so. */
export function newFeatureRequest(
  title: string,
  existing: readonly Pick<FeatureRequest, 'id'>[],
  folder: string,
): { readonly id: string; readonly path: string; readonly text: string } {
  const id = nextFeatureRequestId(existing);
  const words = slug(title);
  return {
    id,
    path: `${folder}/03_planned/${id}${words === '' ? '' : `-${words}`}.md`,
    text: featureRequestText(id, title),
  };
}

export function nextFeatureRequestId(existing: readonly Pick<FeatureRequest, 'id'>[]): string {
  const numbers = existing.map(({ id }) => Number(/^FR-(\d+)$/.exec(id)?.[1] ?? 0));
  return `FR-${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
}

/** What a new FR note says before anybody has written in it. */
export function featureRequestText(id: string, title: string): string {
  return `---
id: ${id}
title: ${JSON.stringify(title)}
status: idea
priority: P2
depends_on: []
decision: ""
tags:
  - fr
---

## What is wanted

## Why

## Done when

- [ ]
`;
}
