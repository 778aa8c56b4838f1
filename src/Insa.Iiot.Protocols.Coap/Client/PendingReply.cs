namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Waits for the one reply to a message.</summary>
internal sealed class PendingReply(ReplyKind kind) : IReplySink
{
    private static readonly ReceivedResponse Nothing = new() { Response = new CoapResponse(default) };

    private readonly TaskCompletionSource<ReceivedResponse> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ReceivedResponse> Task => _reply.Task;

    public void Accept()
    {
        if (kind != ReplyKind.Response)
            _reply.TrySetResult(Nothing);
    }

    public void Reply(ReceivedResponse response, bool isPiggybacked) => _reply.TrySetResult(response);

    public void Reject()
    {
        if (kind == ReplyKind.Pong)
            _reply.TrySetResult(Nothing);
        else
            _reply.TrySetException(new CoapException(CoapError.Reset, "The server rejected the message with a Reset."));
    }

    public void Fail(Exception error) => _reply.TrySetException(error);
}
