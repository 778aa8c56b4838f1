namespace Insa.Iiot.Ingestion.Tests;

internal sealed class ScriptedDeadLetters : IDeadLetterStore
{
    public List<DeadLetter> Letters { get; } = [];

    public TaskCompletionSource? Gate { get; set; }

    public async Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        if (Gate is not null)
            await Gate.Task.WaitAsync(cancellationToken);
        Letters.AddRange(letters);
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ListAsync(
        TenantId tenant,
        long afterId,
        int limit,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult<IReadOnlyList<DeadLetter>>([.. Letters.Where(letter => letter.Tenant == tenant).Take(limit)]);

    public ValueTask<DeadLetter?> FindAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Letters.Find(letter => letter.Tenant == tenant && letter.Id == id));

    public ValueTask<bool> RemoveAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Letters.RemoveAll(letter => letter.Tenant == tenant && letter.Id == id) > 0);
}
