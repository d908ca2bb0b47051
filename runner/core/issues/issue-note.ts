import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { slug } from '#shared/domain/ids.ts';
import { nextFeatureRequestId } from '#shared/domain/new-feature-request.ts';
import type { IssuePolicy } from '../configuration.ts';
import type { ForgeIssue } from '../ports/forge-desk.ts';
import { fenced } from '../reporting/lines.ts';

const longestTitle = 200;
const longestBody = 60_000;

/**
 * The note of an issue. What its author wrote stands in a fence, as text: in a note it could otherwise embed, link or
 * run something.
 */
export function issueNote(
  issue: ForgeIssue,
  repository: string,
  existing: readonly Pick<FeatureRequest, 'id'>[],
  policy: IssuePolicy & { readonly features: string },
): { readonly id: string; readonly path: string; readonly text: string } {
  const id = nextFeatureRequestId(existing);
  const title = plainLine(issue.title).slice(0, longestTitle).toWellFormed().trim() || `Issue ${issue.number}`;
  const words = slug(title);
  return {
    id,
    path: `${policy.features}/${policy.folder}/${id}${words === '' ? '' : `-${words}`}.md`,
    text: `---
id: ${id}
title: ${JSON.stringify(title)}
status: ${policy.status}
priority: P2
repo: ${JSON.stringify(repository)}
issue: ${JSON.stringify(issue.url)}
depends_on: []
decision: ""
tags:
  - fr
---

## What is wanted

From ${plainLine(issue.url)} by ${plainLine(issue.author)}, as it was when this note was made:

${fenced(plainText(issue.body).slice(0, longestBody).toWellFormed(), 'text')}
`,
  };
}

function plainText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\P{Cc}\n\t]/gu, ' ')
    .toWellFormed();
}

function plainLine(text: string): string {
  return plainText(text).replaceAll(/\s+/g, ' ').trim().toWellFormed();
}
