namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>The messages that share a commit. Used again and again: a commit costs no allocation beyond its own task.</summary>
internal sealed class PendingCommit
{
    private const int KeptLength = 4096;

    private readonly Action<PendingCommit> _completed;
    private readonly Action _continuation;
    private PendingAnswer[] _answers = new PendingAnswer[16];

    public PendingCommit(Action<PendingCommit> completed)
    {
        _completed = completed;
        _continuation = () => _completed(this);
    }

    public Task<CommitResult>? Commit { get; private set; }

    public int Count { get; private set; }

    /// <summary>How many of them, from the first, were acknowledged apart from their answer.</summary>
    public int Acknowledged { get; set; }

    public ReadOnlySpan<PendingAnswer> Answers => _answers.AsSpan(0, Count);

    /// <summary>Begins to wait for a commit; the callback comes on a thread of the pool.</summary>
    public void Await(Task<CommitResult> commit)
    {
        Commit = commit;
        commit.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_continuation);
    }

    public void Add(in PendingAnswer answer)
    {
        if (Count == _answers.Length)
            Array.Resize(ref _answers, Count * 2);
        _answers[Count++] = answer;
    }

    /// <summary>Makes it ready for another commit.</summary>
    public void Reset()
    {
        if (_answers.Length > KeptLength)
            _answers = new PendingAnswer[16];
        else
            Array.Clear(_answers, 0, Count);
        (Commit, Count, Acknowledged) = (null, 0, 0);
    }
}
