/** The first page of the site. */
export const HOME = `---
title: Documentation
sidebar: false
aside: false
pageClass: home
prev: false
next: false
---

# Image tasks that run on callbacks

<p class="lead">mjflow is a backend for Midjourney-style image tasks. Your app sends a whole plan in one request. The vendor's callbacks drive it, and signed webhooks notify your app.</p>

<p class="actions"><a class="brand" href="./quickstart.html">Quick start</a> <a href="./reference/">API reference</a> <a href="./concepts.html">Concepts</a></p>

<div class="cards">

- **[Plans](/flows)**

  Imagine, upscale all four, zoom out of the second. One request has the whole plan, to any depth.

- **[Webhooks](/verify-webhooks)**

  Signed by Standard Webhooks, attempted ten times in three days, replayed on request. Samples in five languages verify them.

- **[Vendors](/vendors)**

  CometAPI, gitaigc, xfusionai, AGICTO, midjourney-proxy, trueai-org, new-api relays, and a simulator.

- **[Keep your client](/compat-api)**

  An app for midjourney-proxy changes its base URL and keeps its code.

- **[Errors](/errors/)**

  Each error has a page: what it means, what to do, and a real response. The type of each problem links to it.

- **[One machine or AWS](/self-hosting)**

  The same code runs on a laptop, on a server with one data folder, and on AWS Lambda.

</div>
`;
