requestAnimationFrame(() => requestAnimationFrame(() => (document.title = String(Date.now()))));
