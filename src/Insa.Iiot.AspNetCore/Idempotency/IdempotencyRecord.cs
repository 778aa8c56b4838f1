namespace Insa.Iiot.AspNetCore.Idempotency;

/// <param name="RequestHash">Of method, path and body.</param>
/// <param name="ExpiresAt">Until when the answer is given again, UTC.</param>
/// <param name="Answer">The sealed answer; null while the request is being worked on.</param>
internal sealed record IdempotencyRecord(byte[] RequestHash, DateTime ExpiresAt, byte[]? Answer);
