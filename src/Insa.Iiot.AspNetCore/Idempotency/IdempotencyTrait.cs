namespace Insa.Iiot.AspNetCore.Idempotency;

internal sealed class IdempotencyTrait;
