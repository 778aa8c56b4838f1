using System.Buffers;
using System.IO.Pipelines;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>
/// What leaves on a connection. Messages are written from any thread, and go into the pipe as long as it takes them; while one flush is under way
/// they wait beside it, and leave together with the next.
/// </summary>
/// <param name="pipe">Where to.</param>
/// <param name="maxWaitingBytes">The most bytes that wait beside the pipe; who reads so slowly is cut off.</param>
internal sealed class StreamOutput(PipeWriter pipe, int maxWaitingBytes)
{
    private const int FirstBytes = 4096;

    private readonly Lock _sync = new();
    private TaskCompletionSource? _drained;
    private byte[] _waiting = [];
    private int _waitingBytes;
    private bool _isDirty;
    private bool _isFlushing;
    private bool _isAwaited;
    private bool _isClosed;

    /// <summary>Called when a flush that <see cref="AwaitsRoom"/> was asked during is done.</summary>
    public Action? Drained { get; set; }

    /// <summary>Called once when no more can be written: the other side is gone, or reads too slowly.</summary>
    public Action? Broken { get; set; }

    /// <summary>Writes a message, given as a datagram, as a frame. It leaves with the next flush.</summary>
    /// <returns><see langword="true"/> if somebody has to flush now: nothing was waiting for it before.</returns>
    public bool TryWrite(ReadOnlySpan<byte> datagram)
    {
        var isOverfull = false;
        lock (_sync)
        {
            if (_isClosed)
                return false;
            Span<byte> header = stackalloc byte[StreamFrame.MaxHeaderLength];
            header = header[..StreamFrame.WriteHeader(header, datagram)];
            var rest = datagram[CoapHeader.Length..];
            if (!_isFlushing)
            {
                var wasClean = !_isDirty;
                _isDirty = true;
                Write(pipe.GetSpan(header.Length + rest.Length), header, rest);
                pipe.Advance(header.Length + rest.Length);
                return wasClean;
            }

            if (_waitingBytes + header.Length + rest.Length <= maxWaitingBytes)
            {
                Grow(header.Length + rest.Length);
                Write(_waiting.AsSpan(_waitingBytes), header, rest);
                _waitingBytes += header.Length + rest.Length;
            }
            else
            {
                _isClosed = true;
                isOverfull = true;
            }
        }

        if (isOverfull)
            Break();
        return false;
    }

    /// <summary>Sends what was written. One flush is under way at a time, and takes what is written meanwhile with it.</summary>
    public void Flush()
    {
        lock (_sync)
        {
            if (_isFlushing || _isClosed || !_isDirty)
                return;
            (_isFlushing, _isDirty) = (true, false);
        }

        _ = FlushAsync();
    }

    /// <summary>Whether what was written has not all left; then <see cref="Drained"/> is called once it has.</summary>
    public bool AwaitsRoom()
    {
        lock (_sync)
            return _isFlushing && !_isClosed && (_isAwaited = true);
    }

    /// <summary>Completes when all that was flushed has left, or no more can.</summary>
    public Task WhenDrainedAsync()
    {
        lock (_sync)
        {
            if (!_isFlushing || _isClosed)
                return Task.CompletedTask;
            return (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Takes no more, and lets go of what waits.</summary>
    public void Close()
    {
        TaskCompletionSource? drained;
        lock (_sync)
        {
            _isClosed = true;
            Release();
            (drained, _drained) = (_drained, null);
        }

        drained?.TrySetResult();
    }

    private static void Write(Span<byte> destination, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest)
    {
        header.CopyTo(destination);
        rest.CopyTo(destination[header.Length..]);
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                var result = await pipe.FlushAsync().ConfigureAwait(false);
                if (result.IsCompleted || result.IsCanceled)
                    break;
                if (TryEndFlush(out var drained, out var isAwaited))
                {
                    drained?.TrySetResult();
                    if (isAwaited)
                        Drained?.Invoke();
                    return;
                }
            }
        }
        catch (Exception)
        {
            // Whatever it was, the connection is of no more use; what was not answered is asked again.
        }

        Close();
        Break();
    }

    private bool TryEndFlush(out TaskCompletionSource? drained, out bool isAwaited)
    {
        lock (_sync)
        {
            (drained, isAwaited) = (null, false);
            if (_waitingBytes > 0 && !_isClosed)
            {
                pipe.Write(_waiting.AsSpan(0, _waitingBytes));
                Release();
                return false;
            }

            _isFlushing = false;
            (drained, _drained) = (_drained, null);
            (isAwaited, _isAwaited) = (_isAwaited, false);
            return true;
        }
    }

    private void Break()
    {
        var broken = Broken;
        Broken = null;
        broken?.Invoke();
    }

    private void Grow(int bytes)
    {
        if (_waiting.Length - _waitingBytes >= bytes)
            return;
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBytes, Math.Max(_waiting.Length * 2, _waitingBytes + bytes)));
        _waiting.AsSpan(0, _waitingBytes).CopyTo(grown);
        var length = _waitingBytes;
        Release();
        (_waiting, _waitingBytes) = (grown, length);
    }

    private void Release()
    {
        if (_waiting.Length > 0)
            ArrayPool<byte>.Shared.Return(_waiting);
        (_waiting, _waitingBytes) = ([], 0);
    }
}
