"use strict";
// Shared by the sections of the study page: the columns of its table, and which rows are shown in which order.

const { columns } = page;
const study = { order: columns.session.map((_, i) => i), shown: columns.session.map(() => true), column: null, descending: false };
