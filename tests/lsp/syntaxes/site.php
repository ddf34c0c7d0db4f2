<?php
$path = 'C:\\data\\a.txt';
file_put_contents($path, $_POST['text']);
