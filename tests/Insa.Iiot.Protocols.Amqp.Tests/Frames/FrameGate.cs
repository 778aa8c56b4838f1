namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

/// <summary>Holds a writer's commits.</summary>
internal sealed class FrameGate
{
    private volatile TaskCompletionSource _before = Open();
    private volatile TaskCompletionSource _after = Open();
    private volatile TaskCompletionSource _held = Closed();

    /// <summary>Completes when a write is held.</summary>
    public Task Held => _held.Task;

    /// <summary>The tenant whose frames the store refuses.</summary>
    public TenantId? Refused { get; set; }

    public void HoldBefore() => (_held, _before) = (Closed(), Closed());

    public void HoldAfter() => (_held, _after) = (Closed(), Closed());

    public void Release()
    {
        _before.TrySetResult();
        _after.TrySetResult();
    }

    public Task PassBeforeAsync(CancellationToken cancellationToken) => PassAsync(_before, cancellationToken);

    public Task PassAfterAsync(CancellationToken cancellationToken) => PassAsync(_after, cancellationToken);

    private Task PassAsync(TaskCompletionSource gate, CancellationToken cancellationToken)
    {
        if (!gate.Task.IsCompleted)
            _held.TrySetResult();
        return gate.Task.WaitAsync(cancellationToken);
    }

    private static TaskCompletionSource Closed() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource Open()
    {
        var gate = Closed();
        gate.SetResult();
        return gate;
    }
}
