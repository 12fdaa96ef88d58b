"""Issues as people write them."""

from __future__ import annotations

RUSSIAN = """## 🔌 Запрос на создание интеграции

**Название сервиса:** Служба поддержки
**Тип интеграции:** Webhook
**Целевой сервис:** журнал
**Эндпоинты API:** не нужны
**Описание:** Записывать строку на каждое событие, с приветствием.
"""
ENGLISH = """### Service name

Helpdesk

### Integration type

Webhook

### Target service

the log

### API endpoints

not needed

### Description

Write a line for each event, with a greeting.
"""
LABEL = "integration-request"
