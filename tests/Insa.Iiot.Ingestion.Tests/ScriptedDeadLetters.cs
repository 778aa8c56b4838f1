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
}
