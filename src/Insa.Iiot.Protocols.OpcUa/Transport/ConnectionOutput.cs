using System.Buffers;
using System.IO.Pipelines;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>
/// What leaves on a connection. Chunks are made in its buffer, from any thread, one message at a time; what is made while a flush is under way leaves
/// with the next. An idle connection holds no buffer.
/// </summary>
/// <param name="pipe">Where to.</param>
/// <param name="budget">What may wait for peers that read slowly; who makes it overflow is cut off.</param>
internal sealed class ConnectionOutput(PipeWriter pipe, MemoryBudget budget) : IThreadPoolWorkItem
{
    private const int FirstBytes = 4096;

    /// <summary>When so much waits, it is sent before more is made.</summary>
    public const int FullBytes = 64 * 1024;

    private readonly Lock _sync = new();
    private TaskCompletionSource? _drained;
    private byte[] _buffer = [];
    private byte[] _leaving = [];
    private int _leavingLength;
    private bool _isFlushing;
    private bool _isWriting;
    private bool _isClosed;

    /// <summary>Called once when no more can be sent: the peer is gone, or reads too slowly.</summary>
    public Action? Broken { get; set; }

    /// <summary>How much is made and has not left the buffer.</summary>
    public int Length { get; private set; }

    public byte[] Buffer => _buffer;

    /// <summary>Takes the output; <see cref="Exit"/> gives it back on the same thread.</summary>
    /// <returns><see langword="false"/> if it is closed: then nothing is to be written.</returns>
    public bool Enter()
    {
        _sync.Enter();
        _isWriting = true;
        return !_isClosed;
    }

    public void Exit()
    {
        _isWriting = false;
        if (_isClosed)
            Release();
        _sync.Exit();
    }

    /// <summary>Makes room for so many bytes after <see cref="Length"/>. Only between <see cref="Enter"/> and <see cref="Exit"/>.</summary>
    /// <returns><see langword="false"/> if there is none: then the connection is broken.</returns>
    public bool TryReserve(int bytes)
    {
        if (_buffer.Length - Length >= bytes)
            return true;
        var grown = ArrayPool<byte>.Shared.Rent(
            (int)Math.Min(Math.Max(FirstBytes, Math.Max(_buffer.Length * 2L, (long)Length + bytes)), Array.MaxLength)
        );
        if (!budget.TryTake(grown.Length - _buffer.Length))
        {
            ArrayPool<byte>.Shared.Return(grown);
            Break();
            return false;
        }

        _buffer.AsSpan().CopyTo(grown);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
        return true;
    }

    /// <summary>Says that so many of the bytes after <see cref="Length"/> are to be sent.</summary>
    public void Advance(int bytes) => Length += bytes;

    /// <summary>Takes back all that was made since <see cref="Length"/> was this.</summary>
    public void Rewind(int length) => Length = length;

    /// <summary>Begins to send what is made, in the midst of a message.</summary>
    /// <returns>Whether it did: what was made is not to be taken back then.</returns>
    public bool FlushEarly()
    {
        if (_isFlushing || Length < FullBytes)
            return false;
        TakeLeaving();

        // Elsewhere: what follows a flush may come back here while this message is in the making.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        return true;
    }

    /// <summary>Sends what is made. One flush is under way at a time.</summary>
    public void Flush()
    {
        lock (_sync)
        {
            if (_isFlushing || _isClosed || Length == 0)
                return;
            TakeLeaving();
        }

        _ = FlushAsync();
    }

    /// <summary>Completes when what is made has been taken by the pipe, or no more can.</summary>
    public Task WhenDrainedAsync()
    {
        lock (_sync)
        {
            if (!_isFlushing || _isClosed)
                return Task.CompletedTask;
            return (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Whether a flush is under way: the peer does not read as fast as is made for it.</summary>
    public bool IsFlushing => Volatile.Read(ref _isFlushing);

    /// <summary>Takes no more.</summary>
    public void Close()
    {
        TaskCompletionSource? drained;
        lock (_sync)
        {
            _isClosed = true;
            if (!_isWriting)
                Release();
            (drained, _drained) = (_drained, null);
        }

        drained?.TrySetResult();
    }

    void IThreadPoolWorkItem.Execute() => _ = FlushAsync();

    private void TakeLeaving()
    {
        (_isFlushing, _leaving, _leavingLength) = (true, _buffer, Length);
        (_buffer, Length) = ([], 0);
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                pipe.Write(_leaving.AsSpan(0, _leavingLength));
                budget.Return(_leaving.Length);
                ArrayPool<byte>.Shared.Return(_leaving);
                _leaving = [];
                var result = await pipe.FlushAsync().ConfigureAwait(false);
                if (result.IsCompleted || result.IsCanceled)
                    break;
                if (TryEndFlush(out var drained))
                {
                    drained?.TrySetResult();
                    return;
                }
            }
        }
        catch (Exception)
        {
            // Whatever it was, the connection is of no more use.
        }

        Close();
        Break();
    }

    private bool TryEndFlush(out TaskCompletionSource? drained)
    {
        lock (_sync)
        {
            drained = null;
            if (Length > 0 && !_isClosed)
            {
                TakeLeaving();
                return false;
            }

            _isFlushing = false;
            (drained, _drained) = (_drained, null);
            return true;
        }
    }

    private void Break()
    {
        var broken = Broken;
        Broken = null;
        broken?.Invoke();
    }

    private void Release()
    {
        if (_buffer.Length > 0)
        {
            budget.Return(_buffer.Length);
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        (_buffer, Length) = ([], 0);
    }
}
